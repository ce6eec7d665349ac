"""The reconciler on the real stack: sagas that are stopped half way, by the event of their end and by the schedule."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from leleka.stage import Stage
from tests.functional.customer import FLIGHT, Customer, eventually, execution_arn, states_entered
from tests.promises import Promises

pytestmark = pytest.mark.stack
type Customers = Callable[[], Customer]

DUE_TABLES = ("BookingsTable", "SeatLedgerTable", "PaymentsTable")


@pytest.fixture(scope="module", autouse=True)
def _warm(stage: Stage) -> None:
    """Every function of a settlement has been started once."""
    reconcile(stage)
    one = Customer(stage)
    one.cancelled_after_confirming("10A")
    one.close()


@pytest.fixture
def no_event(stage: Stage) -> Iterator[None]:
    """The event of a lost saga reaches nobody: its rule has no target. In LocalStack disabling it changes nothing."""
    events, rule = stage.aws.client("events"), stage.outputs["LostSagaRule"]
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])
    yield
    events.put_targets(Rule=rule, Targets=targets)


def reconcile(stage: Stage, **command: str) -> Any:
    """By hand."""
    answer = stage.aws.client("lambda").invoke(FunctionName=stage.outputs["Reconcile"], Payload=json.dumps(command))
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read())


def row(stage: Stage, table: str, booking_id: str) -> dict[str, Any]:
    """The booking's row of that table."""
    found = stage.dynamodb.get_item(
        TableName=stage.tables[table], Key={"booking_id": {"S": booking_id}}, ConsistentRead=True
    )
    return dict(found.get("Item", {}))


def stop(stage: Stage, booking_id: str) -> None:
    """Stops the booking's saga. LocalStack ends a state that waits for an answer only when there is one, so that is
    given; the saga goes nowhere with it. Between two states a stop may end as FAILED there."""
    arn = execution_arn(stage, booking_id)
    stage.orchestrator.stop_execution(executionArn=arn)
    token = row(stage, "BookingsTable", booking_id).get("task_token")
    if token:
        stage.orchestrator.send_task_success(taskToken=token["S"], output='"pm_approved"')
    _stopped(stage, arn)


def let_time_pass(stage: Stage, booking_id: str) -> None:
    """What is due of the booking at some time is due now."""
    for table in DUE_TABLES:
        if "due_shard" in row(stage, table, booking_id):
            stage.dynamodb.update_item(
                TableName=stage.tables[table],
                Key={"booking_id": {"S": booking_id}},
                UpdateExpression="SET due_at_s = :now",
                ExpressionAttributeValues={":now": {"N": str(int(time.time()) - 1)}},
            )


def settlements(stage: Stage, booking_id: str) -> dict[str, str]:
    """The booking's settlements with their status, by number."""
    arn = stage.outputs["CancellationSagaArn"]
    pages = stage.orchestrator.get_paginator("list_executions").paginate(stateMachineArn=arn)
    found = [each for page in pages for each in page["executions"] if each["name"].startswith(f"{booking_id}-settle-")]
    return {each["name"].rpartition("-")[2]: each["status"] for each in found}


def settled(stage: Stage, one: Customer, booking_id: str) -> dict[str, Any]:
    """The booking once a settlement, and only one, has come to its end."""
    eventually(lambda: settlements(stage, booking_id) == {"1": "SUCCEEDED"}, f"{booking_id} is not settled")
    for table in DUE_TABLES:
        assert "due_shard" not in row(stage, table, booking_id), f"{table} still has it as due"
    return one.booking(booking_id)


def test_a_saga_that_is_stopped_while_it_waits_is_settled_by_its_event(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """Seat, bags and lock are free again, and the customer reads why."""
    olena = customer()
    booking_id = olena.waiting(olena.book(seat, method=None)["booking_id"])["booking_id"]
    stop(stage, booking_id)
    ended = settled(stage, olena, booking_id)
    assert (ended["status"], ended["reason"]) == ("CANCELLED", "SAGA_LOST")
    assert olena.seat_status(seat) == "AVAILABLE"
    promises.hold()


def test_a_charge_whose_saga_died_is_refunded(stage: Stage, customer: Customers, seat: str, promises: Promises) -> None:
    """Stopped while the provider takes its time: the charge comes after the stop, and goes back."""
    olena = customer()
    booking_id = olena.book(seat, method="pm_slow")["booking_id"]
    eventually(lambda: bool(row(stage, "PaymentsTable", booking_id)), "the payment does not begin")
    stop(stage, booking_id)
    ended = settled(stage, olena, booking_id)
    assert (ended["status"], ended["refunded_minor"]) == ("CANCELLED", 7990)
    assert row(stage, "SandboxGatewayTable", booking_id)["outcome"]["S"] == "REFUNDED"
    promises.hold()


def test_a_saga_that_is_stopped_right_after_it_held_the_seat_is_settled(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """The next step may still be on its way; whatever it does is undone or refused."""
    olena = customer()
    booking_id = olena.book(seat, method=None)["booking_id"]
    eventually(lambda: "ReserveBaggage" in states_entered(stage, booking_id), "the seat is not held")
    stop(stage, booking_id)
    assert settled(stage, olena, booking_id)["status"] == "CANCELLED"
    promises.hold()


@pytest.mark.usefixtures("no_event")
def test_a_saga_whose_event_is_lost_is_settled_by_the_schedule_alone(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """Once it is due, at the next full minute or the one after."""
    olena = customer()
    booking_id = olena.waiting(olena.book(seat, method=None)["booking_id"])["booking_id"]
    stop(stage, booking_id)
    assert settlements(stage, booking_id) == {}
    let_time_pass(stage, booking_id)
    assert settled(stage, olena, booking_id)["reason"] == "SAGA_LOST"
    promises.hold()


@pytest.mark.usefixtures("no_event")
def test_many_reconciles_at_once_settle_once(stage: Stage, customer: Customers, seat: str, promises: Promises) -> None:
    """By hand and by what is due, at the same moment, and again when all is over."""
    olena = customer()
    booking_id = olena.book(seat, method="pm_slow")["booking_id"]
    eventually(lambda: bool(row(stage, "PaymentsTable", booking_id)), "the payment does not begin")
    stop(stage, booking_id)
    let_time_pass(stage, booking_id)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda by_hand: reconcile(stage, **by_hand), [{"booking_id": booking_id}, {}] * 2))
    assert sum(answer["settled"].count(booking_id) for answer in answers) >= 1, answers
    assert settled(stage, olena, booking_id)["refunded_minor"] == 7990
    assert reconcile(stage, booking_id=booking_id)["settled"] == []
    assert settlements(stage, booking_id) == {"1": "SUCCEEDED"}
    promises.hold()


def test_a_healthy_booking_that_waits_is_left_alone(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """Also when it is due, and when somebody asks for it; it is paid afterwards, and its charge then kept."""
    olena = customer()
    booking_id = olena.waiting(olena.book(seat, method=None)["booking_id"])["booking_id"]
    let_time_pass(stage, booking_id)
    assert reconcile(stage)["settled"] == []
    assert reconcile(stage, booking_id=booking_id)["left"] == [booking_id]
    assert olena.pay(booking_id).status_code == 202
    assert olena.outcome(booking_id)["status"] == "CONFIRMED"
    let_time_pass(stage, booking_id)
    eventually(lambda: _seen_to(stage, booking_id), "its charge is not seen to be right")
    assert settlements(stage, booking_id) == {}
    assert olena.booking(booking_id)["status"] == "CONFIRMED"
    promises.hold()


def test_a_cancellation_that_is_stopped_is_finished(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """The customer was told that it is cancelled, and its name can't be started again."""
    olena = customer()
    booking_id = olena.outcome(olena.book(seat)["booking_id"])["booking_id"]
    arn = execution_arn(stage, booking_id, stage.outputs["CancellationSagaArn"])
    olena.cancel(booking_id)
    stage.orchestrator.stop_execution(executionArn=arn)
    _stopped(stage, arn)
    ended = settled(stage, olena, booking_id)
    assert (ended["status"], ended["reason"], ended["refunded_minor"]) == ("CANCELLED", "CANCELLED_BY_CUSTOMER", 7990)
    promises.hold()


def test_a_booking_that_a_person_has_is_left_until_it_is_driven_again(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """Only the input's ``redriven`` lets a cancellation out of NEEDS_ATTENTION."""
    olena = customer()
    booking_id = olena.waiting(olena.book(seat, method=None)["booking_id"])["booking_id"]
    flag = next(name for name in _functions(stage) if name.endswith("-FlagBooking"))
    command = {"booking_id": booking_id, "stuck": {"ReleaseSeat": {"Error": "Test", "Cause": "by hand"}}}
    stage.aws.client("lambda").invoke(FunctionName=flag, Payload=json.dumps(command))
    stop(stage, booking_id)
    let_time_pass(stage, booking_id)
    assert reconcile(stage, booking_id=booking_id)["left"] == [booking_id]
    reconcile(stage)
    assert settlements(stage, booking_id) == {}
    assert olena.booking(booking_id)["status"] == "NEEDS_ATTENTION"
    _redrive(stage, booking_id, seat)
    eventually(lambda: olena.booking(booking_id)["status"] == "CANCELLED", "the redrive does not end")
    promises.hold()


@pytest.mark.processes
def test_a_lock_that_could_not_be_released_is_released_when_it_is_due(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """Valkey is frozen while the seat is given back: the seat is free in the database, its lock is not."""
    key = f"seat:{FLIGHT}:{seat}:lock"
    valkey = redis.Redis.from_url(stage.lock_url_here, socket_timeout=5)
    pid = valkey.info("server")["process_id"]
    olena = customer()
    booking_id = olena.waiting(olena.book(seat, method=None)["booking_id"])["booking_id"]
    owner = valkey.get(key)
    assert owner
    os.kill(pid, signal.SIGSTOP)
    try:
        olena.cancel(booking_id)
        assert olena.outcome(booking_id)["status"] == "CANCELLED"
    finally:
        os.kill(pid, signal.SIGCONT)
    # A frozen server may find the command in its socket when it wakes. Here it was cut off, and the lock is left.
    valkey.set(key, owner, px=600_000)
    assert "due_shard" in row(stage, "SeatLedgerTable", booking_id)
    let_time_pass(stage, booking_id)
    eventually(lambda: reconcile(stage) and valkey.exists(key) == 0, "the lock is not released")
    assert "due_shard" not in row(stage, "SeatLedgerTable", booking_id)
    assert settlements(stage, booking_id) == {}
    valkey.close()
    promises.hold()


def _stopped(stage: Stage, arn: str) -> None:
    describe = stage.orchestrator.describe_execution
    eventually(lambda: describe(executionArn=arn)["status"] != "RUNNING", f"{arn} does not stop")
    assert describe(executionArn=arn)["status"] in {"ABORTED", "FAILED"}


def _seen_to(stage: Stage, booking_id: str) -> bool:
    reconcile(stage)
    return "due_shard" not in row(stage, "PaymentsTable", booking_id)


def _functions(stage: Stage) -> list[str]:
    pages = stage.aws.client("lambda").get_paginator("list_functions").paginate()
    return [each["FunctionName"] for page in pages for each in page["Functions"]]


def _redrive(stage: Stage, booking_id: str, seat: str) -> None:
    given = {
        "booking_id": booking_id,
        "flight_id": FLIGHT,
        "seat": seat,
        "ticket": {"lock_id": row(stage, "BookingsTable", booking_id)["lock_id"]["S"]},
        "refunded_minor": 0,
        "redriven": True,
        "error": {"Error": "SagaLost", "Cause": "driven again by hand"},
    }
    stage.orchestrator.start_execution(
        stateMachineArn=stage.outputs["CancellationSagaArn"], name=f"{booking_id}-redrive-1", input=json.dumps(given)
    )
