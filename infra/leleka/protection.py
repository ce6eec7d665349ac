"""What guards an AWS stage's stack against its own operators: it can't be deleted, and no table of it removed or
replaced, by a hand that slipped. `leleka deploy` and `leleka destroy` take the guard away when they were told to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from leleka.change_sets import TABLE, Approve, Change, DeployError
from leleka.stage import Aws, stack_name

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_ANYTHING = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}
_NO_TABLE = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": ["Update:Replace", "Update:Delete"],
    "Resource": "*",
    "Condition": {"StringEquals": {"ResourceType": [TABLE]}},
}


@contextmanager
def lifted_as_approved(aws: Aws, approve: Approve | None) -> Iterator[Approve]:
    """Guards the stack from the end of the block on. Within it, the yielded function asks ``approve`` and lifts the
    guard for changes that take a table away, if they were approved.

    Raises:
        DeployError: the stack was changed and could not be guarded; deploying again tries again.
    """
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    name, lifted = stack_name(aws.stage), False

    def asked(changes: list[Change]) -> None:
        nonlocal lifted
        if approve:
            approve(changes)
        if any(change.endangers_data for change in changes):
            lifted = True
            _set(cloudformation, name, [_ANYTHING])

    try:
        yield asked
    except BaseException:
        if lifted:
            _set(cloudformation, name, [_ANYTHING, _NO_TABLE])
        raise
    try:
        _set(cloudformation, name, [_ANYTHING, _NO_TABLE])
        cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=True)
    except (BotoCoreError, ClientError) as error:
        raise DeployError(f"stage {aws.stage} is deployed, but not guarded against slips: {error}") from error


def _set(cloudformation: "CloudFormationClient", name: str, statements: list[dict[str, Any]]) -> None:
    cloudformation.set_stack_policy(StackName=name, StackPolicyBody=json.dumps({"Statement": statements}))
