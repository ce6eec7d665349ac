"""Deletes a stage, and nothing of another's: first the stack, so that nobody writes any more, then the tables, which
outlive their stack, then what was uploaded for it.

It may stop anywhere and be run again: what is left is found by its name, which begins with the stack's own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from leleka.artifacts import Artifacts
from leleka.change_sets import STACK_TIMEOUT_S
from leleka.stage import Aws, stack_name

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient

_LISTED_MAX = 10


class DestroyError(Exception):
    """The stage was not deleted, or only in part; the message says what is left and what to do."""


@dataclass(frozen=True)
class TableLeft:
    """A table of the stage. ``rows`` is DynamoDB's own estimate, hours old; ``has_rows`` is certain."""

    name: str
    rows: int
    has_rows: bool


@dataclass(frozen=True)
class Remains:
    """What there is of a stage. ``stack`` is empty where there is no stack any more; ``uploaded`` are objects."""

    stage: str
    stack: str
    resources: int
    tables: list[TableLeft]
    uploaded: int

    def __bool__(self) -> bool:
        return bool(self.stack or self.tables or self.uploaded)


def look(aws: Aws) -> Remains:
    """What there is of the stage.

    Raises:
        DestroyError: its AWS does not tell.
    """
    try:
        resources = _resources(aws)
        names = _tables(aws.client("dynamodb"), stack_name(aws.stage))
        tables = [_look_at(aws.client("dynamodb"), name) for name in names]
        uploaded = Artifacts(aws).count()
    except (BotoCoreError, ClientError) as error:
        raise DestroyError(f"what there is of stage {aws.stage} can't be read: {error}") from error
    stack = "" if resources is None else stack_name(aws.stage)
    return Remains(aws.stage, stack, len(resources or []), tables, uploaded)


def require_leave(remains: Remains, *, delete_data: bool) -> None:
    """Passes if the stage holds no data, or they may go.

    Raises:
        DestroyError: it holds data; nothing was deleted.
    """
    full = [table.name for table in remains.tables if table.has_rows]
    if full and not delete_data:
        raise DestroyError(
            f"{len(full)} tables of stage {remains.stage} hold rows, and nothing was deleted; "
            f"with all rows: leleka destroy --stage {remains.stage} --delete-data"
        )


def destroy(aws: Aws, remains: Remains, *, delete_data: bool) -> Iterator[str]:
    """Deletes what was seen, and yields a line for each part that is gone.

    Raises:
        DestroyError: what is left is named; running it again goes on from there.
    """
    require_leave(remains, delete_data=delete_data)
    try:
        if remains.stack:
            _delete_stack(aws)
            yield f"deleted stack {remains.stack}"
        for table in remains.tables:
            _delete_table(aws.client("dynamodb"), table.name, delete_data=delete_data)
            yield f"deleted table {table.name}"
        if remains.uploaded:
            yield f"deleted {Artifacts(aws).remove()} uploaded objects"
    except (BotoCoreError, ClientError) as error:
        raise DestroyError(f"stage {aws.stage} was deleted in part; run it again to go on: {error}") from error


def _resources(aws: Aws) -> list[Any] | None:
    """The stack's resources, or None if there is no stack."""
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_name(aws.stage))
    try:
        listed = [each for page in pages for each in page["StackResourceSummaries"]]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return None
    return [each for each in listed if each["ResourceStatus"] != "DELETE_COMPLETE"]


def _tables(dynamodb: "DynamoDBClient", stack: str) -> list[str]:
    """Those that CloudFormation named for the stack: the stack's name, the table's in the template, a random part."""
    named = re.compile(rf"{re.escape(stack)}-[A-Za-z]+Table-[A-Za-z0-9]+")
    pages = dynamodb.get_paginator("list_tables").paginate()
    return [name for page in pages for name in page["TableNames"] if named.fullmatch(name)]


def _look_at(dynamodb: "DynamoDBClient", name: str) -> TableLeft:
    rows = dynamodb.describe_table(TableName=name)["Table"].get("ItemCount", 0)
    return TableLeft(name, rows, has_rows=_has_rows(dynamodb, name))


def _has_rows(dynamodb: "DynamoDBClient", name: str) -> bool:
    return bool(dynamodb.scan(TableName=name, Limit=1, ConsistentRead=True)["Items"])


def _delete_stack(aws: Aws) -> None:
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    name = stack_name(aws.stage)
    if cloudformation.describe_stacks(StackName=name)["Stacks"][0].get("EnableTerminationProtection"):
        cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=name)
    poll_s = 0.5 if aws.on_localstack else 10.0
    waiting: Any = {"Delay": poll_s, "MaxAttempts": int(STACK_TIMEOUT_S / poll_s)}
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=waiting)
    except WaiterError as error:
        left = [f"{each['LogicalResourceId']} ({each['ResourceStatus']})" for each in _resources(aws) or []]
        raise DestroyError(
            f"stack {name} was deleted in part, no table was; left: {', '.join(left[:_LISTED_MAX])}; run it again"
        ) from error


def _delete_table(dynamodb: "DynamoDBClient", name: str, *, delete_data: bool) -> None:
    try:
        if not delete_data and _has_rows(dynamodb, name):  # somebody wrote after we looked, while the stack was going
            raise DestroyError(f"table {name} holds rows by now and is kept; leleka destroy --delete-data deletes it")
        described = dynamodb.describe_table(TableName=name)["Table"]
        if described.get("DeletionProtectionEnabled"):
            dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
            dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        dynamodb.delete_table(TableName=name)
        dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 600})
    except dynamodb.exceptions.ResourceNotFoundException:
        return  # it has gone with its stack
