"""One change of a stack: made as a change set, looked at, and then carried out or dropped."""

import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

from leleka.stage import Aws, stack_name

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

TABLE = "AWS::DynamoDB::Table"
STACK_TIMEOUT_S = 3600
_POLL_S, _POLL_AWS_S = 0.5, 5.0


class DeployError(Exception):
    """The stage was not deployed, or only in part; the message says where it stopped and what CloudFormation said."""


@dataclass(frozen=True)
class Change:
    """What a change set does to one resource. ``replacement`` is CloudFormation's word: ``True``, ``Conditional``,
    ``False``, or empty where the question doesn't arise."""

    action: str
    resource: str
    kind: str
    replacement: str = ""

    @property
    def replaces(self) -> bool:
        """Whether another resource may take this one's place."""
        return self.replacement in {"True", "Conditional"}

    @property
    def endangers_data(self) -> bool:
        """Whether the stage would lose sight of a table's rows: the table stays, and is the stage's no more."""
        return self.kind == TABLE and (self.action == "Remove" or self.replaces)


type Approve = Callable[[list[Change]], None]
"""Looks at the changes before they are carried out, and raises an error to drop them."""


class Stack:
    """The CloudFormation stack of a stage."""

    def __init__(self, aws: Aws) -> None:
        self.name = stack_name(aws.stage)
        self._client: CloudFormationClient = aws.client("cloudformation")
        poll_s = _POLL_S if aws.on_localstack else _POLL_AWS_S
        self._waiting: Any = {"Delay": poll_s, "MaxAttempts": int(STACK_TIMEOUT_S / poll_s)}

    def change(
        self, template_url: str, parameters: dict[str, str], known: set[str], approve: Approve | None = None
    ) -> None:
        """Creates or updates the stack; no change is a success.

        Args:
            template_url: where CloudFormation reads the template.
            parameters: values by name; those of the stack that are not given stay.
            known: the names of the template's parameters.
            approve: asked before anything is carried out.

        Raises:
            DeployError: nothing was changed, or CloudFormation rolls back.
        """
        exists = self._exists()
        change_set: Any = {"StackName": self.name, "ChangeSetName": f"deploy-{uuid.uuid4().hex[:16]}"}
        self._client.create_change_set(
            **change_set,
            ChangeSetType="UPDATE" if exists else "CREATE",
            TemplateURL=template_url,
            Parameters=self._given(parameters, known, exists=exists),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        try:
            changes = self._changes(change_set)
            if changes and approve:
                approve(changes)
        except BaseException:
            self._drop(change_set)
            raise
        if not changes:
            self._drop(change_set)
            return
        self._client.execute_change_set(**change_set)
        waiter = self._client.get_waiter("stack_update_complete" if exists else "stack_create_complete")
        try:
            waiter.wait(StackName=self.name, WaiterConfig=self._waiting)
        except WaiterError as error:
            raise DeployError(f"CloudFormation could not change {self.name}: {self._why()}") from error

    def _given(self, parameters: dict[str, str], known: set[str], *, exists: bool) -> "list[ParameterTypeDef]":
        given: list[ParameterTypeDef] = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())
        ]
        # What is not given stays as the stack has it: a deployment must not turn a stage's payments back into play
        # money.
        kept = (self._parameters() - parameters.keys()) & known if exists else set()
        return given + [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)]

    def _changes(self, change_set: Any) -> list[Change]:
        try:
            waiter = self._client.get_waiter("change_set_create_complete")
            waiter.wait(**change_set, WaiterConfig=self._waiting)
        except WaiterError as error:
            reason = self._client.describe_change_set(**change_set).get("StatusReason", "no reason given")
            if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                return []
            raise DeployError(f"CloudFormation refused the change of {self.name}: {reason}") from error
        pages = self._client.get_paginator("describe_change_set").paginate(**change_set)
        found = [each.get("ResourceChange", {}) for page in pages for each in page.get("Changes", [])]
        return [
            Change(
                action=each.get("Action", "Modify"),
                resource=each.get("LogicalResourceId", ""),
                kind=each.get("ResourceType", ""),
                replacement=each.get("Replacement", ""),
            )
            for each in found
        ]

    def _drop(self, change_set: Any) -> None:
        # What can't be dropped does nothing either, as nobody executes it. The empty stack that a first change set has
        # made stays, for the next attempt: by its name it could be somebody else's attempt by now.
        with contextlib.suppress(ClientError):
            self._client.delete_change_set(**change_set)

    def _exists(self) -> bool:
        try:
            stacks = self._client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return False
        status = stacks[0]["StackStatus"]
        if status in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}:
            raise DeployError(f"stack {self.name} is {status}; `leleka destroy` clears it away, then deploy again")
        return status != "REVIEW_IN_PROGRESS"

    def _parameters(self) -> set[str]:
        stack = self._client.describe_stacks(StackName=self.name)["Stacks"][0]
        return {parameter["ParameterKey"] for parameter in stack.get("Parameters", [])}

    def _why(self) -> str:
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [event for event in events if event.get("ResourceStatus", "").endswith("FAILED")]
        reasons = [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}" for event in failed
        ]
        return "; ".join(reasons[:5]) or "no failed resource is listed"
