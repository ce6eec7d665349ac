"""What seldom happens to a step: it comes again, meets no lock server, or finds its door closed. Functions are called
with what the saga would send."""

from contextlib import closing
from typing import Any

from leleka.stage import Stage
from tests.functional.customer import eventually, execution_arn
from tests.functional.security.passenger import FLIGHT, Traces, Zofia
from tests.functional.test_recovery import let_time_pass, reconcile, row
from tests.functional.test_stuck import Breakable

_NO_LOCK_SERVER = "redis://127.0.0.1:1/0"


def play(stage: Stage, traces: Traces, sold_seat: str) -> dict[str, str]:
    """Plays all of it, and nothing is left afterwards. Returns a booking that was refused its seat."""
    with closing(Zofia(stage, traces)) as zofia:
        booking_id = str(zofia.waiting(zofia.ask("14A", method=None)["booking_id"])["booking_id"])
        _looked_at_when_due(stage, booking_id)
        _renewed_without_its_hold(stage, booking_id, "14A")
        _waits_again_after_the_answer(stage, zofia, booking_id)
        let_time_pass(stage, booking_id)
        reconcile(stage)
        reconcile(stage, booking_id=booking_id)
        _refunded_at_the_second_try(stage, zofia, booking_id)
        refused = [_refused(zofia, sold_seat) for _ in range(2)]
    _refused_again(stage, refused[0], sold_seat)
    _released_without_having(stage, refused[1], sold_seat)
    return {"refused": refused[1]}


def _looked_at_when_due(stage: Stage, booking_id: str) -> None:
    """Booking and hold are claimed and found to be in good hands."""
    let_time_pass(stage, booking_id)
    assert reconcile(stage)["settled"] == []


def _renewed_without_its_hold(stage: Stage, booking_id: str, seat: str) -> None:
    """A tick with an old fencing number, while the lock's server is away."""
    renew = Breakable(stage, "RenewSeatLock")
    renew.set(LOCK_URL=_NO_LOCK_SERVER)
    answer = renew.call(**_seat_command(stage, booking_id, seat), fencing_number=0)
    renew.set()
    assert answer["errorType"] == "HoldLost"


def _waits_again_after_the_answer(stage: Stage, zofia: Zofia, booking_id: str) -> None:
    """The customer's answer was written, its message to the saga lost; the wait is repeated."""
    stage.dynamodb.update_item(
        TableName=stage.tables["BookingsTable"],
        Key={"booking_id": {"S": booking_id}},
        UpdateExpression="SET #status = :pending, payment_method = :method",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":pending": {"S": "PENDING"}, ":method": {"S": "pm_approved"}},
    )
    booking = row(stage, "BookingsTable", booking_id)
    ends_s, token = int(booking["hold_expires_at_s"]["N"]), booking["task_token"]["S"]
    wait = Breakable(stage, "AwaitPaymentMethod")
    assert wait.call(booking_id=booking_id, task_token=token, hold_expires_at_s=ends_s) == {"awaiting": True}
    assert zofia.outcome(booking_id)["status"] == "CONFIRMED"


def _refunded_at_the_second_try(stage: Stage, zofia: Zofia, booking_id: str) -> None:
    """The payment seems to be another provider's, until somebody puts that right."""
    arn = execution_arn(stage, booking_id, stage.outputs["CancellationSagaArn"])
    _set_gateway(stage, booking_id, "another")
    zofia.cancel(booking_id)
    history = stage.orchestrator.get_execution_history
    eventually(
        lambda: "TaskFailed" in {event["type"] for event in history(executionArn=arn)["events"]},
        "the refund does not fail",
    )
    _set_gateway(stage, booking_id, "sandbox")
    assert zofia.cancelled(booking_id)["status"] == "CANCELLED"


def _refused(zofia: Zofia, sold_seat: str) -> str:
    booking = zofia.outcome(zofia.ask(sold_seat)["booking_id"])
    assert booking["reason"] == "SEAT_TAKEN"
    return str(booking["booking_id"])


def _refused_again(stage: Stage, booking_id: str, sold_seat: str) -> None:
    """Both reserving steps come a second time; the door is closed behind the first. The lock that could not be released
    is seen to when it is due."""
    reserve = Breakable(stage, "ReserveSeat")
    reserve.set(LOCK_URL=_NO_LOCK_SERVER)
    answer = reserve.call(**_seat_command(stage, booking_id, sold_seat), attempt=1)
    reserve.set()
    assert answer["errorType"] == "SeatTaken"
    too_many = {"booking_id": booking_id, "flight_id": FLIGHT, "bags": 10_000, "attempt": 1}
    assert Breakable(stage, "ReserveBaggage").call(**too_many)["errorType"] == "BaggageFull"
    let_time_pass(stage, booking_id)
    reconcile(stage)
    assert "due_shard" not in row(stage, "SeatLedgerTable", booking_id)


def _released_without_having(stage: Stage, booking_id: str, sold_seat: str) -> None:
    """A compensation that comes first."""
    assert not Breakable(stage, "ReleaseSeat").call(**_seat_command(stage, booking_id, sold_seat))["released"]
    assert Breakable(stage, "ReleaseBaggage").call(booking_id=booking_id) == {"released_bags": 0}


def _seat_command(stage: Stage, booking_id: str, seat: str) -> dict[str, Any]:
    lock_id = row(stage, "BookingsTable", booking_id)["lock_id"]["S"]
    return {"booking_id": booking_id, "lock_id": lock_id, "flight_id": FLIGHT, "seat": seat}


def _set_gateway(stage: Stage, booking_id: str, gateway: str) -> None:
    stage.dynamodb.update_item(
        TableName=stage.tables["PaymentsTable"],
        Key={"booking_id": {"S": booking_id}},
        UpdateExpression="SET gateway = :gateway",
        ExpressionAttributeValues={":gateway": {"S": gateway}},
    )
