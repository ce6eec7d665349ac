"""The seat service: one winner a seat, fencing, and every step repeated, late, or before its partner."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.locking import seat_key
from chalicelib.seat import logic
from chalicelib.seat.models import (
    ConfirmSeatCommand,
    ReleaseSeatCommand,
    RenewSeatLockCommand,
    ReserveSeatCommand,
    SeatConfig,
    SeatHold,
    SeatStatus,
)
from chalicelib.seat.store import SeatStore
from chalicelib.shared.dynamo import from_item, to_item
from chalicelib.shared.errors import (
    AlreadyCompensated,
    FlightNotFound,
    HoldLimitReached,
    HoldLost,
    SeatNotFound,
    SeatTaken,
    StoreBusy,
)
from tests.fakes import FakeClock, FakeLock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FLIGHT, SEAT, TTL_S = "KBP-BCN-0615", "12A", 900
KEY = seat_key(FLIGHT, SEAT)


class SeatService:
    """The service's logic with a store, a lock and a clock that the test can reach."""

    def __init__(self, dynamodb: "DynamoDBClient", lock: FakeLock, clock: FakeClock) -> None:
        self.dynamodb, self.lock, self.clock = dynamodb, lock, clock
        self.store = SeatStore(dynamodb, "seats", "seat-ledger")
        self.paused_s = 0.0
        self.after_pause: Callable[[], None] | None = None
        for seat in ("12A", "12B"):
            item = {"flight_id": FLIGHT, "seat": seat, "row": 12, "letter": seat[-1], "cabin": "economy"}
            rest = {"position": "window", "exit_row": False, "status": "AVAILABLE", "fencing_number": 0}
            dynamodb.put_item(TableName="seats", Item=to_item({**item, **rest}))

    def reserve(self, booking: str, seat: str = SEAT, attempt: int = 0) -> SeatHold:
        command = ReserveSeatCommand(booking, f"lock-of-{booking}", FLIGHT, seat, attempt)
        return logic.reserve_seat(command, self.store, self.lock, self.clock, TTL_S)

    def pause(self, seconds: float) -> None:
        self.paused_s += seconds
        if self.after_pause:
            self.after_pause()

    def renew(self, booking: str, fencing_number: int) -> int:
        config = SeatConfig(
            seats_table="seats", seat_ledger_table="seat-ledger", lock_url="", hold_ttl_s=TTL_S, hold_total_s=3 * TTL_S
        )
        command = RenewSeatLockCommand(booking, f"lock-of-{booking}", FLIGHT, SEAT, fencing_number)
        return logic.renew_seat_lock(command, self.store, self.lock, self.clock, config, self.pause)

    def confirm(self, booking: str, fencing_number: int) -> None:
        command = ConfirmSeatCommand(booking, f"lock-of-{booking}", FLIGHT, SEAT, fencing_number)
        logic.confirm_seat(command, self.store, self.lock, self.clock)

    def release(self, booking: str) -> bool:
        return logic.release_seat(
            ReleaseSeatCommand(booking, f"lock-of-{booking}", FLIGHT, SEAT), self.store, self.lock
        )

    def seat(self) -> dict[str, Any]:
        found = self.dynamodb.get_item(TableName="seats", Key=to_item({"flight_id": FLIGHT, "seat": SEAT}))
        return from_item(found["Item"])


@pytest.fixture
def seats(dynamodb: "DynamoDBClient", lock: FakeLock, clock: FakeClock) -> SeatService:
    """Seats 12A and 12B, both free."""
    return SeatService(dynamodb, lock, clock)


def test_a_hold_names_its_end_and_its_fencing_number(seats: SeatService) -> None:
    """The first hold of a seat has number 1 and ends a TTL from now."""
    hold = seats.reserve("a")
    assert (hold.fencing_number, hold.held_until_s) == (1, seats.clock() + TTL_S)
    assert seats.seat()["status"] == "HELD"


def test_the_second_customer_is_refused_by_the_lock(seats: SeatService) -> None:
    """The database is not asked."""
    seats.reserve("a")
    with pytest.raises(SeatTaken, match="another customer"):
        seats.reserve("b")


def test_without_a_lock_server_the_database_decides(seats: SeatService) -> None:
    """Both get past the lock; one gets the seat."""
    seats.lock.down = True
    seats.reserve("a")
    with pytest.raises(SeatTaken):
        seats.reserve("b")
    assert seats.seat()["booking_id"] == "a"


def test_a_refusal_by_the_database_leaves_no_lock(seats: SeatService) -> None:
    """B takes the lock that A never had, is refused by A's hold, and gives the lock back."""
    seats.lock.down = True
    seats.reserve("a")
    seats.lock.down = False
    with pytest.raises(SeatTaken):
        seats.reserve("b")
    assert seats.lock.owners == {}


def test_a_repeated_hold_is_the_same_hold(seats: SeatService) -> None:
    """The same step twice changes nothing, not even the end of the hold."""
    first = seats.reserve("a")
    seats.clock.advance(60)
    assert seats.reserve("a") == first


def test_a_retry_that_lost_its_lock_still_finds_its_hold(seats: SeatService) -> None:
    """A refusal here would leave the first attempt's hold behind, since a refusal is not compensated."""
    first = seats.reserve("a")
    seats.lock.owners[KEY] = "lock-of-b"
    assert seats.reserve("a", attempt=1) == first


def test_a_refused_retry_closes_the_door_on_its_earlier_attempt(seats: SeatService) -> None:
    """A refusal is not compensated, so the first attempt, were it still on its way, must find nothing to take."""
    seats.reserve("b")
    with pytest.raises(SeatTaken):
        seats.reserve("a", attempt=1)
    seats.release("b")
    with pytest.raises(AlreadyCompensated):
        seats.reserve("a")
    assert seats.seat()["status"] == "AVAILABLE"
    assert seats.lock.owners == {}


def test_a_first_refusal_writes_nothing(seats: SeatService) -> None:
    """It costs one lock command and no row."""
    seats.reserve("b")
    with pytest.raises(SeatTaken):
        seats.reserve("a")
    assert "Item" not in seats.dynamodb.get_item(TableName="seat-ledger", Key=to_item({"booking_id": "a"}))


def test_an_unknown_seat_is_refused_and_leaves_no_lock(seats: SeatService) -> None:
    """13A is not on this aircraft."""
    with pytest.raises(SeatNotFound, match="no seat 13A"):
        seats.reserve("a", seat="13A")
    assert seats.lock.owners == {}


def test_a_hold_whose_time_is_over_is_free_for_the_next(seats: SeatService) -> None:
    """The next hold has a higher number, and the first can no longer confirm."""
    first = seats.reserve("a")
    seats.clock.advance(TTL_S)
    seats.lock.owners.clear()
    second = seats.reserve("b")
    assert second.fencing_number > first.fencing_number
    with pytest.raises(HoldLost):
        seats.confirm("a", first.fencing_number)
    seats.confirm("b", second.fencing_number)
    assert seats.seat()["booking_id"] == "b"


def test_a_hold_cannot_be_confirmed_after_its_time_even_if_nobody_took_the_seat(seats: SeatService) -> None:
    """The customer was told when the hold ends; from then on the map shows the seat as free."""
    hold = seats.reserve("a")
    seats.clock.advance(TTL_S)
    with pytest.raises(HoldLost):
        seats.confirm("a", hold.fencing_number)
    assert seats.seat()["status"] == "HELD"


def test_a_wrong_fencing_number_cannot_confirm(seats: SeatService) -> None:
    """The number belongs to one hold of the seat, not to the booking."""
    hold = seats.reserve("a")
    with pytest.raises(HoldLost):
        seats.confirm("a", hold.fencing_number + 1)
    assert seats.seat()["status"] == "HELD"


def test_a_renewed_hold_lasts_the_full_time_again(seats: SeatService) -> None:
    """From now, under the same number; the saga is told how often to come back."""
    hold = seats.reserve("a")
    assert (hold.ttl_s, hold.renew_every_s) == (TTL_S, TTL_S // 3)
    seats.clock.advance(TTL_S - 1)
    assert seats.renew("a", hold.fencing_number) == seats.clock() + TTL_S
    seats.clock.advance(TTL_S - 1)
    seats.confirm("a", hold.fencing_number)


def test_a_hold_whose_time_is_over_cannot_be_renewed(seats: SeatService) -> None:
    """It may be another's by the next moment."""
    hold = seats.reserve("a")
    seats.clock.advance(TTL_S)
    with pytest.raises(HoldLost):
        seats.renew("a", hold.fencing_number)


def test_a_lock_lost_to_another_stops_the_renewal(seats: SeatService) -> None:
    """Nothing is extended, and the saga must stop."""
    hold = seats.reserve("a")
    until_s = seats.seat()["held_until_s"]
    seats.lock.owners = {KEY: "lock-of-b"}
    with pytest.raises(HoldLost):
        seats.renew("a", hold.fencing_number)
    assert seats.seat()["held_until_s"] == until_s


def test_a_lock_that_another_has_for_a_moment_is_not_lost(seats: SeatService) -> None:
    """After its server's restart a customer takes it, whom the database refuses; the holder's saga goes on."""
    hold = seats.reserve("a")
    seats.lock.owners = {KEY: "lock-of-b"}
    seats.after_pause = seats.lock.owners.clear
    assert seats.renew("a", hold.fencing_number) == seats.clock() + TTL_S
    assert seats.lock.owners == {KEY: "lock-of-a"}
    assert 0 < seats.paused_s < 1


def test_a_lock_that_is_merely_gone_is_taken_again(seats: SeatService) -> None:
    """Its server was restarted; the hold still stands, and no customer should pay for that."""
    hold = seats.reserve("a")
    seats.lock.owners = {}
    assert seats.renew("a", hold.fencing_number) == seats.clock() + TTL_S
    assert seats.lock.owners == {KEY: "lock-of-a"}


def test_without_a_lock_server_the_hold_alone_is_renewed(seats: SeatService) -> None:
    """A lock that cannot be asked is not a lock that was lost."""
    hold = seats.reserve("a")
    seats.lock.down = True
    assert seats.renew("a", hold.fencing_number) == seats.clock() + TTL_S


def test_a_hold_is_not_renewed_for_ever(seats: SeatService) -> None:
    """A payment that never answers must not keep the seat from everybody."""
    hold = seats.reserve("a")
    for _ in range(8):
        seats.clock.advance(TTL_S // 3)
        seats.renew("a", hold.fencing_number)
    seats.clock.advance(TTL_S // 3)
    with pytest.raises(HoldLimitReached):
        seats.renew("a", hold.fencing_number)


def test_confirming_sells_the_seat_and_ends_the_lock(seats: SeatService) -> None:
    """And doing it again changes nothing."""
    hold = seats.reserve("a")
    for _ in range(2):
        seats.confirm("a", hold.fencing_number)
        assert seats.seat()["status"] == "SOLD"
    assert seats.lock.owners == {}
    with pytest.raises(SeatTaken):
        seats.reserve("b")


def test_releasing_gives_the_seat_back_and_ends_the_lock(seats: SeatService) -> None:
    """And doing it again changes nothing, not even another's hold of the same seat."""
    seats.reserve("a")
    assert seats.release("a")
    assert seats.lock.owners == {}
    seats.reserve("b")
    assert not seats.release("a")
    assert seats.seat()["booking_id"] == "b"
    assert seats.lock.owners == {KEY: "lock-of-b"}


def test_a_sold_seat_is_given_back_by_its_own_booking(seats: SeatService) -> None:
    """The saga may fail after the seat was sold."""
    seats.confirm("a", seats.reserve("a").fencing_number)
    assert seats.release("a")
    assert seats.seat()["status"] == "AVAILABLE"


def test_a_release_after_the_hold_ran_out_leaves_the_next_holder_alone(seats: SeatService) -> None:
    """Only the row of the late booking is closed."""
    seats.reserve("a")
    seats.clock.advance(TTL_S)
    seats.lock.owners.clear()
    seats.reserve("b")
    assert not seats.release("a")
    assert seats.seat()["booking_id"] == "b"


def test_a_hold_that_arrives_after_its_release_is_refused(seats: SeatService) -> None:
    """The compensation found nothing and left a mark; the late step meets it, and its lock is given back."""
    assert not seats.release("a")
    with pytest.raises(AlreadyCompensated):
        seats.reserve("a")
    assert seats.seat()["status"] == "AVAILABLE"
    assert seats.lock.owners == {}


def test_the_map_shows_an_expired_hold_as_available(seats: SeatService) -> None:
    """What counts is the time, not whether somebody has cleaned up."""
    seats.reserve("a")
    assert [view.status for view in logic.seat_map(FLIGHT, seats.store, seats.clock).seats] == [
        SeatStatus.HELD,
        SeatStatus.AVAILABLE,
    ]
    seats.clock.advance(TTL_S)
    assert logic.seat_map(FLIGHT, seats.store, seats.clock).seats[0].status is SeatStatus.AVAILABLE


def test_an_unknown_flight_has_no_map(seats: SeatService) -> None:
    """It is not an empty aircraft."""
    with pytest.raises(FlightNotFound):
        logic.seat_map("KBP-BCN-0101", seats.store, seats.clock)


@pytest.mark.parametrize("beside", ["None", "ConditionalCheckFailed"])
@pytest.mark.parametrize("code", ["TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"])
def test_a_conflict_is_no_refusal(seats: SeatService, code: str, beside: str) -> None:
    """Another transaction in the way says nothing of the seat; the step may be repeated, its lock is kept for it."""

    def conflict(**_: Any) -> None:
        response: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
            "CancellationReasons": [{"Code": code}, {"Code": beside}],
        }
        raise ClientError(response, "TransactWriteItems")

    seats.dynamodb.meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", conflict)
    with pytest.raises(StoreBusy):
        seats.reserve("a")
    seats.dynamodb.meta.events.unregister("before-parameter-build.dynamodb.TransactWriteItems", conflict)
    assert seats.reserve("a").fencing_number == 1


def test_a_database_that_does_not_answer_gives_no_verdict(seats: SeatService) -> None:
    """The step may be repeated; it is not the customer who is refused."""

    def silence(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    seats.dynamodb.meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", silence)
    with pytest.raises(StoreBusy):
        seats.reserve("a")
