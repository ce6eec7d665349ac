"""A change of a stack is looked at before it is carried out, and what is not approved is not carried out."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from leleka import protection
from leleka.change_sets import Change, DeployError, Stack
from leleka.stage import StageError, stack_name
from tests.unit.aws_world import FakeAws

SEATS = Change("Modify", "SeatsTable", "AWS::DynamoDB::Table", "True")
QUEUE = Change("Modify", "OperatorQueue", "AWS::SQS::Queue", "True")


class FakeCloudFormation:
    """A CloudFormation that keeps what it is asked; ``changes`` is what each change set would do."""

    def __init__(self, changes: list[Change], *, status: str | None = "CREATE_COMPLETE") -> None:
        self.changes, self.status = changes, status
        self.asked: list[str] = []
        self.requests: dict[str, Any] = {}
        self.refusal: str | None = None
        self.fails = False

    def describe_stacks(self, **_: Any) -> Any:
        if self.status is None:
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": "Stack does not exist"}}, "DescribeStacks"
            )
        parameters = [{"ParameterKey": name} for name in ("HoldTtlSeconds", "OfYore")]
        return {"Stacks": [{"StackStatus": self.status, "Parameters": parameters}]}

    def get_waiter(self, name: str) -> "FakeCloudFormation":
        self.waited_for = name
        return self

    def wait(self, **_: Any) -> None:
        refused = self.waited_for == "change_set_create_complete" and self.refusal
        if refused or (self.fails and self.waited_for.startswith("stack_")):
            raise WaiterError("waiter", "failed", {})

    def get_paginator(self, _name: str) -> "FakeCloudFormation":
        return self

    def paginate(self, **_: Any) -> Iterator[Any]:
        for change in self.changes:  # one a page
            told = {"Action": change.action, "LogicalResourceId": change.resource, "ResourceType": change.kind}
            yield {"Changes": [{"ResourceChange": {**told, "Replacement": change.replacement}}]}

    def describe_change_set(self, **_: Any) -> Any:
        return {"StatusReason": self.refusal}

    def describe_stack_events(self, **_: Any) -> Any:
        event = {
            "LogicalResourceId": "SeatCache",
            "ResourceStatus": "CREATE_FAILED",
            "ResourceStatusReason": "no such zone",
        }
        return {"StackEvents": [event, {**event, "ResourceStatus": "CREATE_COMPLETE"}]}

    def __getattr__(self, operation: str) -> Any:
        def done(**request: Any) -> None:
            self.asked.append(operation)
            self.requests[operation] = request

        return done


def change(cloudformation: FakeCloudFormation, **given: Any) -> None:
    Stack(FakeAws("prod", cloudformation=cloudformation)).change(
        "https://template", {"LockUrl": ""}, {"LockUrl", "HoldTtlSeconds"}, **given
    )


def refuse(_changes: list[Change]) -> None:
    raise StageError("no")


def test_changes_are_seen_before_they_are_made() -> None:
    """All of them, from every page, and nothing has been carried out by then."""
    cloudformation, seen = FakeCloudFormation([SEATS, QUEUE]), []

    def approve(changes: list[Change]) -> None:
        seen.extend(changes)
        assert cloudformation.asked == ["create_change_set"]

    change(cloudformation, approve=approve)
    assert seen == [SEATS, QUEUE]
    assert cloudformation.asked == ["create_change_set", "execute_change_set"]


def test_what_is_not_approved_is_dropped() -> None:
    """Also when the question is interrupted."""
    for stop in (StageError("no"), KeyboardInterrupt()):

        def refuse(_changes: list[Change], stop: BaseException = stop) -> None:
            raise stop

        cloudformation = FakeCloudFormation([SEATS])
        with pytest.raises(type(stop)):
            change(cloudformation, approve=refuse)
        assert cloudformation.asked == ["create_change_set", "delete_change_set"]


def test_no_change_is_a_success_that_nobody_is_asked_about() -> None:
    """LocalStack calls an empty change set complete, AWS calls it failed."""
    for reason in (None, "The submitted information didn't contain changes."):
        cloudformation = FakeCloudFormation([])
        cloudformation.refusal = reason
        change(cloudformation, approve=refuse)
        assert cloudformation.asked == ["create_change_set", "delete_change_set"]


@pytest.mark.parametrize("status", [None, "REVIEW_IN_PROGRESS"])
def test_a_stack_that_was_never_made_is_created(status: str | None) -> None:
    """A first change set that nobody carried out leaves an empty stack, which is none yet."""
    cloudformation = FakeCloudFormation([QUEUE], status=status)
    change(cloudformation)
    request = cloudformation.requests["create_change_set"]
    assert request["ChangeSetType"] == "CREATE"
    assert request["Parameters"] == [{"ParameterKey": "LockUrl", "ParameterValue": ""}]


def test_what_is_not_given_stays_as_the_stack_has_it() -> None:
    """Unless the template has forgotten it."""
    cloudformation = FakeCloudFormation([QUEUE])
    change(cloudformation)
    request = cloudformation.requests["create_change_set"]
    assert request["ChangeSetType"] == "UPDATE"
    given = {each["ParameterKey"]: each for each in request["Parameters"]}
    assert given.keys() == {"LockUrl", "HoldTtlSeconds"}
    assert given["HoldTtlSeconds"]["UsePreviousValue"] is True


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"])
def test_a_stack_that_can_only_be_deleted_is_not_changed(status: str) -> None:
    """CloudFormation would say so with less help."""
    cloudformation = FakeCloudFormation([QUEUE], status=status)
    with pytest.raises(DeployError, match="leleka destroy"):
        change(cloudformation)
    assert cloudformation.asked == []


def test_why_cloudformation_refuses_or_fails_is_told() -> None:
    """In its own words, with the resource that failed."""
    cloudformation = FakeCloudFormation([QUEUE])
    cloudformation.refusal = "Template error: no such parameter"
    with pytest.raises(DeployError, match="no such parameter"):
        change(cloudformation)
    assert "execute_change_set" not in cloudformation.asked
    cloudformation = FakeCloudFormation([QUEUE])
    cloudformation.fails = True
    with pytest.raises(DeployError, match=r"SeatCache: no such zone$"):
        change(cloudformation)


@pytest.mark.parametrize(
    ("action", "kind", "replacement", "endangered"),
    [
        ("Modify", "AWS::DynamoDB::Table", "True", True),
        ("Modify", "AWS::DynamoDB::Table", "Conditional", True),
        ("Modify", "AWS::DynamoDB::Table", "False", False),
        ("Remove", "AWS::DynamoDB::Table", "", True),
        ("Add", "AWS::DynamoDB::Table", "", False),
        ("Remove", "AWS::SQS::Queue", "", False),
        ("Modify", "AWS::SQS::Queue", "True", False),
    ],
)
def test_data_are_in_danger_where_a_table_goes(action: str, kind: str, replacement: str, *, endangered: bool) -> None:
    """Removed, replaced, or maybe replaced; a changed table keeps its rows."""
    assert Change(action, "It", kind, replacement).endangers_data is endangered


@pytest.mark.parametrize("name", ["Prod", "prod-eu", "1st", "", "a" * 21, "prod_eu", "prod/../x"])
def test_a_stages_name_is_such_that_no_name_begins_anothers(name: str) -> None:
    """What is named after a stage, and then a dash, is this stage's and no other's."""
    with pytest.raises(StageError, match="no stage's name"):
        stack_name(name)


def guarded(cloudformation: FakeCloudFormation, changes: list[Change], approve: Any = None, fails: bool = False) -> Any:
    """The stack's policies, in the order in which they were set."""
    policies: list[str] = []

    def keep(**request: Any) -> None:
        policies.append(request["StackPolicyBody"])

    cloudformation.set_stack_policy = keep  # type: ignore[attr-defined]  # the fake has what a test gives it
    with (
        suppress(DeployError),
        protection.lifted_as_approved(FakeAws("prod", cloudformation=cloudformation), approve) as asked,
    ):
        asked(changes)
        if fails:
            raise DeployError("CloudFormation could not")
    return policies


def test_after_a_deployment_no_table_and_no_stack_goes_by_a_slip() -> None:
    """The stack refuses to lose a table, and to be deleted."""
    cloudformation = FakeCloudFormation([])
    [policy] = guarded(cloudformation, [QUEUE])
    assert '"Deny"' in policy
    assert '["Update:Replace", "Update:Delete"]' in policy
    assert "AWS::DynamoDB::Table" in policy
    assert cloudformation.requests["update_termination_protection"]["EnableTerminationProtection"] is True


@pytest.mark.parametrize("fails", [False, True])
def test_the_guard_is_lifted_for_a_table_that_was_approved_and_comes_back(*, fails: bool) -> None:
    """Also if the change fails."""
    before, after = guarded(FakeCloudFormation([]), [SEATS], fails=fails)
    assert '"Deny"' not in before
    assert '"Deny"' in after


def test_the_guard_stays_when_the_answer_is_no() -> None:
    """Nothing was asked of CloudFormation."""
    cloudformation = FakeCloudFormation([])
    with pytest.raises(StageError):
        guarded(cloudformation, [SEATS], refuse)
    assert cloudformation.asked == []


def test_a_deployment_that_could_not_be_guarded_is_one_all_the_same() -> None:
    """The error says so: what was deployed is in use."""
    cloudformation = FakeCloudFormation([])

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "SetStackPolicy")

    cloudformation.set_stack_policy = refuse  # type: ignore[attr-defined]  # as above
    aws = FakeAws("prod", cloudformation=cloudformation)
    with pytest.raises(DeployError, match="is deployed, but not guarded"), protection.lifted_as_approved(aws, None):
        pass
