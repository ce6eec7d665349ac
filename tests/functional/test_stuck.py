"""What can't be undone is not lost: the other compensations run all the same, and a person is told."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from leleka.stage import Stage, stack_name
from tests.functional.customer import Customer, execution, states_entered
from tests.promises import Promises

pytestmark = pytest.mark.stack


class Breakable:
    """A function that can be told of a table that is not there."""

    def __init__(self, stage: Stage, function: str) -> None:
        self._lambda = stage.aws.client("lambda")
        stack = stage.aws.client("cloudformation").describe_stack_resource(
            StackName=stack_name(stage.name), LogicalResourceId=function
        )
        self.name = stack["StackResourceDetail"]["PhysicalResourceId"]
        configuration = self._lambda.get_function_configuration(FunctionName=self.name)
        self._variables: dict[str, str] = configuration["Environment"]["Variables"]

    def set(self, **changes: str) -> None:
        """Its own variables, but for these; from now on no invocation meets the earlier ones."""
        variables = {**self._variables, **changes}
        self._lambda.update_function_configuration(FunctionName=self.name, Environment={"Variables": variables})
        waiting = {"Delay": 0.2, "MaxAttempts": 300}
        self._lambda.get_waiter("function_updated_v2").wait(FunctionName=self.name, WaiterConfig=waiting)

    def call(self, **command: Any) -> Any:
        """Invokes it."""
        answer = self._lambda.invoke(FunctionName=self.name, Payload=json.dumps(command))
        return json.loads(answer["Payload"].read())


@contextmanager
def impatient_saga(stage: Stage) -> Iterator[None]:
    """The deployed saga with one retry of a compensation instead of twenty, which would take a quarter of an hour."""
    saga = stage.orchestrator.describe_state_machine(stateMachineArn=stage.saga_arn)
    impatient = re.sub(r'"MaxAttempts": 20\b', '"MaxAttempts": 1', saga["definition"])
    assert impatient != saga["definition"]
    stage.orchestrator.update_state_machine(stateMachineArn=stage.saga_arn, definition=impatient)
    try:
        yield
    finally:
        stage.orchestrator.update_state_machine(stateMachineArn=stage.saga_arn, definition=saga["definition"])


@pytest.fixture
def _impatient_saga(stage: Stage) -> Iterator[None]:
    with impatient_saga(stage):
        yield


@pytest.mark.usefixtures("_impatient_saga")
def test_a_compensation_that_fails_for_good_is_raised_and_the_others_run(
    stage: Stage, customer: Callable[[], Customer], seat: str, promises: Promises
) -> None:
    """The bags stay taken; the seat is given back, the booking says NEEDS_ATTENTION, and the operator's queue tells of
    it. Then the operator gives the bags back by the same function."""
    release = Breakable(stage, "ReleaseBaggage")
    release.set(BAGGAGE_LEDGER_TABLE="no-such-table")
    olena = customer()
    booking_id = olena.outcome(olena.book(seat, "pm_declined")["booking_id"])["booking_id"]
    release.set()
    assert olena.booking(booking_id)["status"] == "NEEDS_ATTENTION"
    assert olena.seat_status(seat) == "AVAILABLE"
    entered = states_entered(stage, booking_id)
    assert entered[entered.index("ReleaseBaggage") :] == [
        "ReleaseBaggage",
        "ReleaseSeat",
        "CancelBooking",
        "AnythingStuck",
        "FlagBooking",
        "NotifyOperator",
        "BookingFailed",
    ]
    assert execution(stage, booking_id)["error"] == "CardDeclined"
    told = _operator_is_told(stage, booking_id)
    assert set(told["stuck"]) == {"ReleaseBaggage"}
    assert release.call(booking_id=booking_id) == {"released_bags": 1}
    _settle(stage, booking_id)
    promises.hold()


def _operator_is_told(stage: Stage, booking_id: str) -> dict[str, Any]:
    """The message about the booking; the queue also gets what the alarms say."""
    sqs, queue = stage.aws.client("sqs"), stage.outputs["OperatorQueue"]
    for _ in range(20):
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=3).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            told: dict[str, Any] = json.loads(message["Body"])
            if told.get("booking_id") == booking_id:
                return told
    raise AssertionError(f"the operator's queue says nothing of {booking_id}")


def _settle(stage: Stage, booking_id: str) -> None:
    stage.dynamodb.update_item(
        TableName=stage.tables["BookingsTable"],
        Key={"booking_id": {"S": booking_id}},
        UpdateExpression="SET #status = :cancelled",
        ConditionExpression="#status = :attention",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":cancelled": {"S": "CANCELLED"}, ":attention": {"S": "NEEDS_ATTENTION"}},
    )
