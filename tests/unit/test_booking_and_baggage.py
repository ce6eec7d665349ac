"""Bookings and bags: repeated, late, and out of order."""

from typing import TYPE_CHECKING

import msgspec
import pytest

from chalicelib.baggage import logic as baggage_logic
from chalicelib.baggage.models import ReserveBaggageCommand
from chalicelib.baggage.store import BaggageStore
from chalicelib.booking import logic
from chalicelib.booking.models import (
    BookingStatus,
    CancelBookingCommand,
    ConfirmBookingCommand,
    FlagBookingCommand,
    Passenger,
    PlaceBookingCommand,
)
from chalicelib.booking.store import BookingStore
from chalicelib.shared.dynamo import from_item, to_item
from chalicelib.shared.errors import (
    AlreadyCompensated,
    BaggageFull,
    BookingClosed,
    BookingNotFound,
    IdempotencyKeyReused,
    InvalidRequest,
)
from tests.fakes import FakeClock
from tests.unit.placing_world import SOURCE, place_booking

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FLIGHT = "KBP-BCN-0615"
OLENA = Passenger(name="Олена Шевченко", email="olena@example.com")


def place(request_hash: str = "hash-1") -> PlaceBookingCommand:
    """A request for 12A."""
    return PlaceBookingCommand("bk-1", request_hash, "secret-hash", FLIGHT, "12A", 1, OLENA, SOURCE, "pm_approved")


@pytest.fixture
def bookings(dynamodb: "DynamoDBClient") -> BookingStore:
    """No bookings."""
    return BookingStore(dynamodb, "bookings", "locators")


@pytest.fixture
def baggage(dynamodb: "DynamoDBClient") -> BaggageStore:
    """A flight with room for three bags."""
    dynamodb.put_item(TableName="quota", Item=to_item({"flight_id": FLIGHT, "free": 3}))
    return BaggageStore(dynamodb, "quota", "baggage-ledger")


def free_bags(dynamodb: "DynamoDBClient") -> int:
    """What the quota says now."""
    found = dynamodb.get_item(TableName="quota", Key=to_item({"flight_id": FLIGHT}))
    free: int = from_item(found["Item"])["free"]
    return free


def test_the_same_request_twice_is_one_booking(
    bookings: BookingStore, dynamodb: "DynamoDBClient", clock: FakeClock
) -> None:
    """The second answer is the first booking, as it stands by then."""
    first = place_booking(place(), dynamodb, clock)
    logic.create_booking("bk-1", bookings)
    second = place_booking(place(), dynamodb, clock)
    assert first.booking_id == second.booking_id
    assert (first.status, second.status) == (BookingStatus.REQUESTED, BookingStatus.PENDING)


def test_another_request_with_the_same_key_is_refused(
    bookings: BookingStore, dynamodb: "DynamoDBClient", clock: FakeClock
) -> None:
    """And the first one is as it was."""
    before = place_booking(place(), dynamodb, clock)
    with pytest.raises(IdempotencyKeyReused):
        place_booking(place("hash-2"), dynamodb, clock)
    assert msgspec.structs.replace(logic.describe_booking("bk-1", bookings), lock_id=None) == before


def test_a_repeated_create_gives_the_same_lock_id(
    bookings: BookingStore, dynamodb: "DynamoDBClient", clock: FakeClock
) -> None:
    """The id is minted once a booking, or a repeated step would meet its own lock as another's."""
    place_booking(place(), dynamodb, clock)
    first, second = logic.create_booking("bk-1", bookings), logic.create_booking("bk-1", bookings)
    assert first.lock_id == second.lock_id
    assert len(bytes.fromhex(first.lock_id)) == 16


def test_a_booking_goes_from_request_to_confirmed(
    bookings: BookingStore, dynamodb: "DynamoDBClient", clock: FakeClock
) -> None:
    """Confirming twice changes nothing."""
    place_booking(place(), dynamodb, clock)
    logic.create_booking("bk-1", bookings)
    for _ in range(2):
        confirmed = logic.confirm_booking(ConfirmBookingCommand("bk-1", 7990, "EUR"), bookings)
    assert (confirmed.status, confirmed.amount_minor) == (BookingStatus.CONFIRMED, 7990)


def test_a_cancelled_booking_stays_cancelled(
    bookings: BookingStore, dynamodb: "DynamoDBClient", clock: FakeClock
) -> None:
    """No step that arrives late revives it, and its first reason is kept."""
    place_booking(place(), dynamodb, clock)
    assert logic.cancel_booking(CancelBookingCommand("bk-1", "CardDeclined"), bookings)
    assert not logic.cancel_booking(CancelBookingCommand("bk-1", "SeatTaken"), bookings)
    with pytest.raises(BookingClosed):
        logic.create_booking("bk-1", bookings)
    with pytest.raises(BookingClosed):
        logic.confirm_booking(ConfirmBookingCommand("bk-1", 7990, "EUR"), bookings)
    assert logic.describe_booking("bk-1", bookings).reason == "CardDeclined"


def test_what_was_never_placed_cannot_be_created_or_read(bookings: BookingStore) -> None:
    """And cancelling it does nothing."""
    with pytest.raises(BookingNotFound):
        logic.create_booking("bk-1", bookings)
    with pytest.raises(BookingNotFound):
        logic.describe_booking("bk-1", bookings)
    assert not logic.cancel_booking(CancelBookingCommand("bk-1", "SeatTaken"), bookings)


def test_a_stuck_booking_is_flagged_in_any_state(
    bookings: BookingStore, dynamodb: "DynamoDBClient", clock: FakeClock
) -> None:
    """Also when it says CANCELLED: something of it could not be undone."""
    place_booking(place(), dynamodb, clock)
    logic.cancel_booking(CancelBookingCommand("bk-1", "CardDeclined"), bookings)
    logic.flag_booking(FlagBookingCommand("bk-1", {"ReleaseSeat": {"Error": "StoreBusy"}}), bookings)
    assert logic.describe_booking("bk-1", bookings).status is BookingStatus.NEEDS_ATTENTION


def test_a_request_expires_but_a_booking_does_not(
    bookings: BookingStore, dynamodb: "DynamoDBClient", clock: FakeClock
) -> None:
    """The table's time-to-live clears requests whose saga never began."""
    place_booking(place(), dynamodb, clock)
    key = to_item({"booking_id": "bk-1"})
    assert from_item(dynamodb.get_item(TableName="bookings", Key=key)["Item"])["expires_at_s"] == clock() + 86_400
    logic.create_booking("bk-1", bookings)
    assert "expires_at_s" not in dynamodb.get_item(TableName="bookings", Key=key)["Item"]


def test_bags_are_taken_once_and_given_back_once(baggage: BaggageStore, dynamodb: "DynamoDBClient") -> None:
    """However often each is asked."""
    for _ in range(2):
        baggage_logic.reserve_baggage(ReserveBaggageCommand("bk-1", FLIGHT, 2), baggage)
    assert free_bags(dynamodb) == 1
    assert [baggage_logic.release_baggage("bk-1", baggage) for _ in range(2)] == [2, 0]
    assert free_bags(dynamodb) == 3


def test_more_bags_than_there_is_room_for_are_refused(baggage: BaggageStore, dynamodb: "DynamoDBClient") -> None:
    """Nothing is taken."""
    with pytest.raises(BaggageFull):
        baggage_logic.reserve_baggage(ReserveBaggageCommand("bk-1", FLIGHT, 4), baggage)
    assert free_bags(dynamodb) == 3


def test_a_refused_retry_closes_the_door_on_its_earlier_attempt(
    baggage: BaggageStore, dynamodb: "DynamoDBClient"
) -> None:
    """A refusal is not compensated: bags that the first attempt takes later would never be given back."""
    with pytest.raises(BaggageFull):
        baggage_logic.reserve_baggage(ReserveBaggageCommand("bk-1", FLIGHT, 4, attempt=1), baggage)
    with pytest.raises(AlreadyCompensated):
        baggage_logic.reserve_baggage(ReserveBaggageCommand("bk-1", FLIGHT, 1), baggage)
    assert free_bags(dynamodb) == 3


def test_a_negative_number_of_bags_does_not_raise_the_quota(baggage: BaggageStore, dynamodb: "DynamoDBClient") -> None:
    """The service checks what it is told, whoever tells it."""
    with pytest.raises(InvalidRequest):
        baggage_logic.reserve_baggage(ReserveBaggageCommand("bk-1", FLIGHT, -1), baggage)
    assert free_bags(dynamodb) == 3


@pytest.mark.parametrize("bags", [0, 2])
def test_bags_that_arrive_after_their_release_are_refused(
    baggage: BaggageStore, dynamodb: "DynamoDBClient", bags: int
) -> None:
    """The compensation came first and left its mark."""
    assert baggage_logic.release_baggage("bk-1", baggage) == 0
    with pytest.raises(AlreadyCompensated):
        baggage_logic.reserve_baggage(ReserveBaggageCommand("bk-1", FLIGHT, bags), baggage)
    assert free_bags(dynamodb) == 3
