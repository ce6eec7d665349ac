"""What can become of a booking, each once, on the deployed system."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus

from leleka import ops
from leleka.stage import Stage
from tests.functional.customer import eventually
from tests.functional.security.passenger import FLIGHT, UNKNOWN_METHOD, Traces, Zofia
from tests.functional.test_recovery import reconcile, row, settled, stop
from tests.functional.test_stuck import Breakable, impatient_saga

type Scene = Callable[[Stage, Zofia], str]
_SHORT_HOLD_S = "4"


def play(stage: Stage, traces: Traces) -> dict[str, str]:
    """Plays every scene; the bookings by scene. All have ended when it returns, and nothing is left of them."""
    with closing(Zofia(stage, traces)) as zofia:
        _crashed(stage, zofia)
        bookings = {"stuck": _stuck(stage, zofia), "expired": _held_shortly(stage, zofia)}
        _greedy(stage, zofia)
    with ThreadPoolExecutor(3) as pool:
        played = {scene.__name__.strip("_"): pool.submit(_alone, scene, stage, traces) for scene in _TOGETHER}
        bookings |= {name: future.result() for name, future in played.items()}
    with closing(Zofia(stage, traces)) as zofia:
        _redriven(stage, bookings["stuck"])
        eventually(lambda: _status(stage, bookings["expired"]) == "CANCELLED", "the hold does not end")
        bookings["flagged"] = _flagged(stage, zofia)
    return bookings


def _alone(scene: Scene, stage: Stage, traces: Traces) -> str:
    with closing(Zofia(stage, traces)) as zofia:
        return scene(stage, zofia)


def _crashed(stage: Stage, zofia: Zofia) -> None:
    """The function that has the passenger's data in its hands breaks with them."""
    place = Breakable(stage, "APIHandler")
    place.set(BOOKINGS_TABLE="no-such-table")
    try:
        assert zofia.ask_in_vain("3A") == HTTPStatus.INTERNAL_SERVER_ERROR
    finally:
        place.set()


def _stuck(stage: Stage, zofia: Zofia) -> str:
    """The bags can't be given back while the function looks for a table that is not there."""
    release = Breakable(stage, "ReleaseBaggage")
    with impatient_saga(stage):
        release.set(BAGGAGE_LEDGER_TABLE="no-such-table")
        try:
            booking = zofia.outcome(zofia.ask("4A", "pm_declined")["booking_id"])
        finally:
            release.set()
    assert booking["status"] == "NEEDS_ATTENTION"
    return str(booking["booking_id"])


def _held_shortly(stage: Stage, zofia: Zofia) -> str:
    """Nobody will pay."""
    reserve = Breakable(stage, "ReserveSeat")
    reserve.set(HOLD_TTL_S=_SHORT_HOLD_S)
    booking_id = str(zofia.ask("5A", method=None)["booking_id"])
    eventually(lambda: "hold_expires_at_s" in row(stage, "BookingsTable", booking_id), "the seat is not held")
    reserve.set()
    return booking_id


def _greedy(stage: Stage, zofia: Zofia) -> None:
    """She holds as much as one may, so what became of her bookings is looked at before she is refused."""
    place = Breakable(stage, "APIHandler")
    place.set(HOLDS_PER_CUSTOMER="1")
    try:
        assert zofia.ask_in_vain("14A") == HTTPStatus.TOO_MANY_REQUESTS
    finally:
        place.set()


def _cancelled(_stage: Stage, zofia: Zofia) -> str:
    """Searched, booked, asked for twice, confirmed, read, cancelled, all by the record locator."""
    assert zofia.get("/flights?from=KBP&to=WAW").status_code == 200
    assert zofia.seat_status("6A", FLIGHT) == "AVAILABLE"
    booking_id = str(zofia.ask("6A")["booking_id"])
    locator = str(zofia.ask_again(booking_id)["record_locator"])
    assert zofia.outcome(booking_id)["status"] == "CONFIRMED"
    zofia.look(locator, booking_id)
    assert zofia.cancel(locator, zofia.secrets[booking_id]).status_code == 202
    assert zofia.cancelled(booking_id)["status"] == "CANCELLED"
    zofia.look(booking_id, booking_id)
    return booking_id


def _declined(_stage: Stage, zofia: Zofia) -> str:
    booking = zofia.outcome(zofia.ask("7A", "pm_declined")["booking_id"])
    assert booking["reason"] == "CARD_DECLINED"
    return str(booking["booking_id"])


def _rejected(_stage: Stage, zofia: Zofia) -> str:
    """By a payment method that the provider does not know."""
    booking = zofia.outcome(zofia.ask("8A", UNKNOWN_METHOD)["booking_id"])
    assert booking["reason"] == "PAYMENT_METHOD_REJECTED"
    return str(booking["booking_id"])


def _paid_later(_stage: Stage, zofia: Zofia) -> str:
    booking = zofia.waiting(zofia.ask("9A", method=None)["booking_id"])
    booking_id = str(booking["booking_id"])
    secret = zofia.secrets[booking_id]
    assert zofia.pay(booking["record_locator"], "pm_slow", secret).status_code == 202
    assert zofia.outcome(booking_id)["status"] == "CONFIRMED"
    return booking_id


def _withdrawn(_stage: Stage, zofia: Zofia) -> str:
    booking_id = str(zofia.waiting(zofia.ask("10A", method=None)["booking_id"])["booking_id"])
    assert zofia.cancel(booking_id).status_code == 202
    assert zofia.outcome(booking_id)["reason"] == "CANCELLED_BY_CUSTOMER"
    return booking_id


def _lost(stage: Stage, zofia: Zofia) -> str:
    """Its saga is stopped; the event of that has it settled."""
    booking_id = str(zofia.waiting(zofia.ask("11A", method=None)["booking_id"])["booking_id"])
    stop(stage, booking_id)
    assert settled(stage, zofia, booking_id)["reason"] == "SAGA_LOST"
    return booking_id


_TOGETHER: tuple[Scene, ...] = (_cancelled, _declined, _rejected, _paid_later, _withdrawn, _lost)


def _flagged(stage: Stage, zofia: Zofia) -> str:
    """Confirmed, and its payment's record contradicts that: the reconciler tells a person, who drives it again."""
    booking_id = str(zofia.outcome(zofia.ask("12A")["booking_id"])["booking_id"])
    stage.dynamodb.update_item(
        TableName=stage.tables["PaymentsTable"],
        Key={"booking_id": {"S": booking_id}},
        UpdateExpression="SET #state = :started",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":started": {"S": "STARTED"}},
    )
    assert reconcile(stage, booking_id=booking_id)["raised"] == [booking_id]
    _redriven(stage, booking_id)
    return booking_id


def _redriven(stage: Stage, booking_id: str) -> None:
    ops.redrive(stage, booking_id)
    eventually(lambda: _status(stage, booking_id) == "CANCELLED", f"{booking_id} is not driven to its end")


def _status(stage: Stage, booking_id: str) -> str:
    return str(row(stage, "BookingsTable", booking_id)["status"]["S"])
