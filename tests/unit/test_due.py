"""The due index: who is in it and until when, that a claim is nobody else's, and that it costs what is due."""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.booking import logic as booking_logic
from chalicelib.booking.access import secret_hash
from chalicelib.booking.models import (
    AwaitPaymentMethodCommand,
    BookingStatus,
    CancelBookingCommand,
    ConfirmBookingCommand,
    FlagBookingCommand,
    Passenger,
    PlaceBookingCommand,
    RequestCancellationCommand,
)
from chalicelib.booking.payment_wait import await_payment_method
from chalicelib.booking.store import BookingStore
from chalicelib.payment.models import Receipt
from chalicelib.payment.store import PaymentStore
from chalicelib.seat import logic as seat_logic
from chalicelib.seat.models import (
    ConfirmSeatCommand,
    ReleaseSeatCommand,
    RenewSeatLockCommand,
    ReserveSeatCommand,
    SeatConfig,
)
from chalicelib.seat.store import SeatStore
from chalicelib.shared.due import FOR_THE_OPERATOR_S, SHARDS, DueIndex, DueQuery, due, shard_of
from chalicelib.shared.dynamo import to_item
from chalicelib.shared.errors import BookingClosed, HoldLost, SeatTaken, StoreBusy
from chalicelib.shared.ledger import RELEASED_ROW_TTL_S
from tests.due_tables import add_due_indexes
from tests.fakes import FakeClock, FakeLock, FakeReplies
from tests.unit.placing_world import SOURCE, place_booking

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

GRACE_S, PAYMENT_S, LOCK_S, LEASE_S = 120, 300, 60, 300
SEAT = {"lock_id": "lock-1", "flight_id": "KBP-BCN-0615", "seat": "12A"}
KEY = "seat:KBP-BCN-0615:12A:lock"


class World:
    """The three services that have a due index."""

    def __init__(self, client: "DynamoDBClient", clock: FakeClock, lock: FakeLock) -> None:
        self.client, self.clock, self.lock = client, clock, lock
        self.bookings = BookingStore(client, "bookings", "locators", GRACE_S)
        self.seats = SeatStore(client, "seats", "seat-ledger", due_grace_s=GRACE_S, lock_due_s=LOCK_S, clock=clock)
        self.payments = PaymentStore(client, "payments", "sandbox", PAYMENT_S, clock)
        seat: dict[str, Any] = {"flight_id": "KBP-BCN-0615", "seat": "12A", "cabin": "ECONOMY", "exit_row": False}
        client.put_item(TableName="seats", Item=to_item({**seat, "status": "AVAILABLE"}))

    def place(self, booking_id: str = "bk-1") -> None:
        """A request is kept."""
        command = PlaceBookingCommand(
            booking_id=booking_id,
            request_hash="hash",
            secret_hash="ab" * 32,
            flight_id="KBP-BCN-0615",
            seat="12A",
            bags=1,
            passenger=Passenger(name="Olena", email="olena@example.com"),
            source=SOURCE,
        )
        place_booking(command, self.client, self.clock)

    def create(self) -> None:
        """T1."""
        booking_logic.create_booking("bk-1", self.bookings, self.clock)

    def confirm(self) -> None:
        """T8."""
        booking_logic.confirm_booking(ConfirmBookingCommand("bk-1", 7990, "EUR"), self.bookings)

    def reserve(self, booking_id: str = "bk-1", lock_id: str = "lock-1") -> int:
        """T3; returns the fencing number."""
        command = ReserveSeatCommand(booking_id, lock_id, SEAT["flight_id"], SEAT["seat"])
        return seat_logic.reserve_seat(command, self.seats, self.lock, self.clock, 900).fencing_number

    def release(self) -> None:
        """C2."""
        seat_logic.release_seat(ReleaseSeatCommand(booking_id="bk-1", **SEAT), self.seats, self.lock)

    def due_holds(self, **query: Any) -> list[str]:
        """What the reconciler hears of the seat service."""
        answer = seat_logic.due_holds(DueQuery(lease_s=LEASE_S, **query), self.seats, self.lock, self.clock)
        return [row.booking_id for row in answer.rows]


@pytest.fixture
def world(dynamodb: "DynamoDBClient", clock: FakeClock, lock: FakeLock) -> World:
    """An empty flight with one seat."""
    add_due_indexes(dynamodb)
    return World(dynamodb, clock, lock)


def due_at(index: DueIndex, booking_id: str = "bk-1") -> int | None:
    """When the booking's row is due; None if it is not in the index."""
    row = index.look(booking_id)
    return row["due_at_s"] if row else None


def test_a_booking_is_due_from_its_request_until_it_is_confirmed(world: World) -> None:
    """Each beginning counts anew; waiting for the payment, the end of the hold counts."""
    world.place()
    assert due_at(world.bookings.due) == world.clock() + GRACE_S
    world.clock.advance(50)
    world.create()
    assert due_at(world.bookings.due) == world.clock() + GRACE_S
    waits = AwaitPaymentMethodCommand("bk-1", "token", hold_expires_at_s=world.clock() + 900)
    await_payment_method(waits, world.bookings, FakeReplies())
    assert due_at(world.bookings.due) == world.clock() + 900 + GRACE_S
    world.bookings.give_payment_method("bk-1", "pm_approved", world.clock())
    assert due_at(world.bookings.due) == world.clock() + 900 + GRACE_S
    world.confirm()
    assert due_at(world.bookings.due) is None


def test_a_booking_that_is_cancelled_is_no_longer_due(world: World) -> None:
    """Whoever cancels it."""
    world.place()
    booking_logic.cancel_booking(CancelBookingCommand("bk-1", "SagaLost"), world.bookings)
    assert due_at(world.bookings.due) is None


def test_a_booking_for_the_operator_stays_in_the_index_and_is_never_claimed(world: World) -> None:
    """The operator's list finds it there; it costs no reconciler anything."""
    world.place()
    booking_logic.flag_booking(FlagBookingCommand("bk-1", {"RefundPayment": {}}), world.bookings)
    assert due_at(world.bookings.due) == FOR_THE_OPERATOR_S
    world.clock.advance(10 * 365 * 86_400)
    assert world.bookings.due.claim(world.clock(), LEASE_S, 25) == []


def test_a_flag_for_what_was_seen_misses_what_has_changed_since(world: World) -> None:
    """So a slow reconciler can't flag a booking that was finished meanwhile."""
    world.place()
    booking_logic.cancel_booking(CancelBookingCommand("bk-1", "SagaLost"), world.bookings)
    with pytest.raises(BookingClosed):
        booking_logic.flag_booking(FlagBookingCommand("bk-1", {}, seen=BookingStatus.PENDING), world.bookings)
    assert booking_logic.describe_booking("bk-1", world.bookings).status == "CANCELLED"


def test_only_a_redriven_cancellation_leads_out_of_needs_attention(world: World) -> None:
    """A settlement that comes late leaves it to the operator."""
    world.place()
    booking_logic.flag_booking(FlagBookingCommand("bk-1", {}), world.bookings)
    assert not booking_logic.cancel_booking(CancelBookingCommand("bk-1", "SagaLost"), world.bookings)
    assert booking_logic.cancel_booking(CancelBookingCommand("bk-1", "SagaLost", redriven=True), world.bookings)
    assert due_at(world.bookings.due) is None


def test_the_wish_to_cancel_a_confirmed_booking_makes_it_due(world: World) -> None:
    """Otherwise nothing would tell that its cancellation saga was lost half way."""
    world.place()
    world.create()
    world.confirm()
    row = world.bookings.find("bk-1") or {}
    secret = "s" * 26
    world.client.update_item(
        TableName="bookings",
        Key=to_item({"booking_id": "bk-1"}),
        UpdateExpression="SET secret_hash = :hash",
        ExpressionAttributeValues=to_item({":hash": secret_hash(secret)}),
    )
    wish = RequestCancellationCommand("bk-1", secret)
    answer = booking_logic.request_cancellation(wish, world.bookings, FakeReplies(), world.clock)
    assert answer.lock_id == row["lock_id"]
    assert due_at(world.bookings.due) == world.clock() + GRACE_S


def test_a_hold_is_due_after_its_end_until_it_is_sold_or_released(world: World) -> None:
    """Written in the same transaction as the hold, and gone with it."""
    number = world.reserve()
    assert due_at(world.seats.due) == world.clock() + 900 + GRACE_S
    sale = ConfirmSeatCommand(booking_id="bk-1", fencing_number=number, **SEAT)
    seat_logic.confirm_seat(sale, world.seats, world.lock, world.clock)
    assert due_at(world.seats.due) is None


def test_a_hold_past_its_time_is_told_and_one_within_it_is_not(world: World) -> None:
    """The seat service knows no booking, so it only tells."""
    world.reserve()
    assert world.due_holds(limit=25) == []
    world.clock.advance(900 + GRACE_S)
    assert world.due_holds(limit=25) == ["bk-1"]
    assert world.due_holds(limit=25) == [], "the lease keeps it from a second claimer"
    world.clock.advance(LEASE_S)
    assert world.due_holds(limit=25) == ["bk-1"], "and gives it back"


@pytest.mark.parametrize("end", ["release", "confirm"])
def test_a_lock_that_could_not_be_released_is_released_when_it_is_due(world: World, end: str) -> None:
    """The row survives the process; nothing is told, since nothing else is wrong."""
    number = world.reserve()
    world.lock.down = True
    if end == "release":
        world.release()
    else:
        sale = ConfirmSeatCommand(booking_id="bk-1", fencing_number=number, **SEAT)
        seat_logic.confirm_seat(sale, world.seats, world.lock, world.clock)
    assert due_at(world.seats.due) == world.clock() + LOCK_S
    world.clock.advance(LOCK_S)
    assert world.due_holds(limit=25) == []
    assert due_at(world.seats.due) is not None, "still unreachable: it comes again"
    world.lock.down = False
    world.clock.advance(LEASE_S)
    assert world.due_holds(limit=25) == []
    assert world.lock.owners == {}
    assert due_at(world.seats.due) is None


def test_a_lock_that_has_run_out_by_itself_is_not_asked_for(world: World) -> None:
    """A lock server that is gone for good leaves no row that comes again for ever."""
    world.reserve()
    world.lock.down = True
    world.release()
    world.clock.advance(world.lock.ttl_ms // 1000 + 1)
    assert world.due_holds(limit=25) == []
    assert due_at(world.seats.due) is None


def test_another_customers_lock_is_left_alone(world: World) -> None:
    """The seat is taken again by the time that the lock is due."""
    world.reserve()
    world.lock.down = True
    world.release()
    world.lock.down = False
    world.lock.owners.clear()
    world.reserve("bk-2", "lock-2")
    world.clock.advance(LOCK_S)
    world.due_holds(limit=25)
    assert world.lock.owners == {KEY: "lock-2"}


def test_a_refused_customer_whose_lock_could_not_be_released_is_kept_in_mind(world: World) -> None:
    """It has no hold and so no row of its own; the row that is left refuses a late twin as well."""
    world.reserve("bk-0", "lock-0")
    world.lock.down = True
    with pytest.raises(SeatTaken):
        world.reserve()
    assert due_at(world.seats.due) == world.clock() + LOCK_S
    assert world.seats.due.look("bk-1") == {
        "booking_id": "bk-1",
        "state": "RELEASED",
        **SEAT,
        **due("bk-1", world.clock() + LOCK_S),
        "lock_ends_s": world.clock() + 901,
        "expires_at_s": world.clock() + RELEASED_ROW_TTL_S,
    }


def test_a_late_renewal_of_a_seat_that_was_given_back_leaves_no_lock(world: World) -> None:
    """The step of a dead saga takes the lock again, finds the hold gone, and must not keep the lock."""
    number = world.reserve()
    world.release()
    late = RenewSeatLockCommand(booking_id="bk-1", fencing_number=number, **SEAT)
    config = SeatConfig(seats_table="seats", seat_ledger_table="seat-ledger", lock_url="")
    with pytest.raises(HoldLost):
        seat_logic.renew_seat_lock(late, world.seats, world.lock, world.clock, config)
    assert world.lock.owners == {}


def test_a_payment_is_due_until_it_is_declined_or_given_back(world: World) -> None:
    """A closed one only once the provider has said what went back."""
    for booking_id in ("bk-1", "bk-2", "bk-3"):
        world.payments.start(booking_id, 7990, "EUR")
        assert due_at(world.payments.due, booking_id) == world.clock() + PAYMENT_S
    world.payments.declined("bk-1")
    assert due_at(world.payments.due, "bk-1") is None
    world.payments.charged("bk-2", Receipt("ch", 7990, "EUR"))
    assert due_at(world.payments.due, "bk-2") == world.clock() + PAYMENT_S
    world.payments.close("bk-3")
    assert due_at(world.payments.due, "bk-3") == world.clock() + PAYMENT_S
    world.payments.close("bk-3", 7990)
    assert due_at(world.payments.due, "bk-3") is None


def test_a_row_that_changed_since_it_was_seen_stays_in_the_index(world: World) -> None:
    """Seen as CHARGED, closed meanwhile: the refund is unfinished and must be found."""
    world.payments.start("bk-1", 7990, "EUR")
    world.payments.charged("bk-1", Receipt("ch", 7990, "EUR"))
    (seen,) = world.payments.due.answer(DueQuery(booking_id="bk-1"), world.clock).rows
    world.payments.close("bk-1")
    assert not world.payments.due.done(seen)
    assert due_at(world.payments.due) is not None
    (seen,) = world.payments.due.answer(DueQuery(booking_id="bk-1"), world.clock).rows
    assert world.payments.due.answer(DueQuery(done=[seen]), world.clock).rows == []
    assert due_at(world.payments.due) is None


@pytest.mark.parametrize("after_calls", [1, 7, 20])
def test_two_claimers_at_once_get_disjoint_rows(
    world: World, monkeypatch: pytest.MonkeyPatch, after_calls: int
) -> None:
    """And together all of them, wherever the first one is when the second comes."""
    ids = {f"bk-{number}" for number in range(40)}
    for booking_id in ids:
        world.payments.start(booking_id, 7990, "EUR")
    assert {shard_of(booking_id) for booking_id in ids} == set(SHARDS)
    world.clock.advance(PAYMENT_S)
    real, calls, second = world.client.update_item, itertools.count(1), []

    def interrupted(**request: Any) -> Any:
        if next(calls) == after_calls:
            second.extend(claim())
        return real(**request)

    def claim() -> list[str]:
        return [row["booking_id"] for row in world.payments.due.claim(world.clock(), LEASE_S, 100)]

    monkeypatch.setattr(world.client, "update_item", interrupted)
    first = claim()
    assert len(first) == after_calls - 1
    assert sorted([*first, *second]) == sorted(ids)


def test_a_claimer_that_saw_an_old_index_gets_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index is eventually consistent; the condition is on the table's row."""
    world.payments.start("bk-1", 7990, "EUR")
    world.clock.advance(PAYMENT_S)
    stale = world.payments.due._due_in(shard_of("bk-1"), world.clock(), 25)
    world.payments.close("bk-1", 0)
    monkeypatch.setattr(world.payments.due, "_due_in", lambda shard, *_: stale if shard == shard_of("bk-1") else [])
    assert world.payments.due.claim(world.clock(), LEASE_S, 25) == []
    assert due_at(world.payments.due) is None, "and does not put it back into the index"


def test_a_claim_is_bounded_and_oldest_first_in_its_shard(world: World) -> None:
    """What is left over is claimed the next time."""
    ids = [name for name in (f"bk-{number}" for number in range(200)) if shard_of(name) == "0"][:6]
    for booking_id in ids:
        world.payments.start(booking_id, 7990, "EUR")
        world.clock.advance(1)
    world.clock.advance(PAYMENT_S)
    first = [row["booking_id"] for row in world.payments.due.claim(world.clock(), LEASE_S, 4)]
    rest = [row["booking_id"] for row in world.payments.due.claim(world.clock(), LEASE_S, 4)]
    assert (first, rest) == (ids[:4], ids[4:])


def test_a_claim_reads_what_is_due_and_not_what_exists(world: World, requests: list[str]) -> None:
    """Four queries, beside a hundred rows that are finished and ten that are not due."""
    for number in range(100):
        world.payments.start(f"bk-{number}", 7990, "EUR")
        world.payments.declined(f"bk-{number}")
    for number in range(100, 110):
        world.payments.start(f"bk-{number}", 7990, "EUR")
    requests.clear()
    assert world.payments.due.claim(world.clock(), LEASE_S, 25) == []
    assert requests == ["Query"] * len(SHARDS)


@pytest.fixture
def requests(world: World) -> Iterator[list[str]]:
    """The names of the calls to DynamoDB."""
    made: list[str] = []
    event = "before-call.dynamodb"
    world.client.meta.events.register(event, lambda model, **_: made.append(model.name), unique_id="count")
    yield made
    world.client.meta.events.unregister(event, unique_id="count")


def test_a_busy_store_in_the_middle_of_a_claim_keeps_what_was_claimed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise those rows would wait for their lease; a claim that got nothing says that it got no verdict."""
    ids = [f"bk-{number}" for number in range(12)]
    for booking_id in ids:
        world.payments.start(booking_id, 7990, "EUR")
    world.clock.advance(PAYMENT_S)
    real, calls = world.client.update_item, []

    def throttled(**request: Any) -> Any:
        calls.append(request)
        if len(calls) > 2:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "UpdateItem")
        return real(**request)

    monkeypatch.setattr(world.client, "update_item", throttled)
    assert len(world.payments.due.claim(world.clock(), LEASE_S, 25)) == 2
    with pytest.raises(StoreBusy):
        world.payments.due.claim(world.clock(), LEASE_S, 25)
