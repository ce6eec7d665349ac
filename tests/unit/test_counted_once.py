"""What is counted for the business is counted when it happens, and not again when its step is repeated."""

import json
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chalicelib.baggage import logic as baggage
from chalicelib.baggage.models import ReserveBaggageCommand
from chalicelib.baggage.store import BaggageStore
from chalicelib.booking import logic as booking
from chalicelib.booking import payment_wait
from chalicelib.booking.access import secret_hash
from chalicelib.booking.models import (
    AwaitPaymentMethodCommand,
    BookingStatus,
    CancelBookingCommand,
    ConfirmBookingCommand,
    FlagBookingCommand,
    Passenger,
    PlaceBookingCommand,
    SupplyPaymentMethodCommand,
)
from chalicelib.booking.store import BookingStore
from chalicelib.payment import logic as payment
from chalicelib.payment.models import ProcessPaymentCommand
from chalicelib.payment.sandbox import SandboxGateway
from chalicelib.payment.store import PaymentStore
from chalicelib.seat import logic as seat
from chalicelib.seat.models import ReleaseSeatCommand, RenewSeatLockCommand, ReserveSeatCommand, SeatConfig
from chalicelib.seat.store import SeatStore
from chalicelib.shared.dynamo import to_item
from chalicelib.shared.errors import CardDeclined, HoldLost, SeatTaken
from tests.fakes import FakeClock, FakeLock, FakeReplies
from tests.unit.placing_world import SOURCE, place_booking

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FLIGHT, SECRET = "KBP-BCN-0615", "a" * 26
PLACE = {"flight_id": FLIGHT, "seat": "12A"}
type Counts = Callable[[], Counter[str]]


@pytest.fixture
def counts(capsys: pytest.CaptureFixture[str]) -> Counts:
    """What was counted since the last look: the metric's name, with its step or reason."""

    def look() -> Counter[str]:
        lines = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "_aws" in text]
        return Counter(
            " ".join([line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"], *_dimensions(line)]) for line in lines
        )

    return look


def _dimensions(line: dict[str, str]) -> list[str]:
    return [line[name] for name in ("step", "reason") if name in line]


@pytest.fixture
def seats(dynamodb: "DynamoDBClient") -> SeatStore:
    """One free seat."""
    rest = {"row": 12, "letter": "A", "cabin": "economy", "position": "window", "exit_row": False}
    item = {**PLACE, **rest, "status": "AVAILABLE", "fencing_number": 0}
    dynamodb.put_item(TableName="seats", Item=to_item(item))
    return SeatStore(dynamodb, "seats", "seat-ledger")


@pytest.fixture
def bookings(dynamodb: "DynamoDBClient", clock: FakeClock) -> BookingStore:
    """One booking whose saga has begun."""
    store = BookingStore(dynamodb, "bookings", "locators")
    olena = Passenger("Olena", "olena@example.com")
    command = PlaceBookingCommand("bk-1", "hash", secret_hash(SECRET), FLIGHT, "12A", 0, olena, SOURCE)
    place_booking(command, dynamodb, clock)
    booking.create_booking("bk-1", store, clock)
    return store


def test_a_hold_is_placed_once_renewed_each_time_and_given_back_once(
    seats: SeatStore, clock: FakeClock, lock: FakeLock, counts: Counts
) -> None:
    """A repeated step, a refused one, and one of a booking that no longer holds the seat count nothing."""

    def reserve(booking_id: str, attempt: int = 0) -> None:
        command = ReserveSeatCommand(booking_id, f"lock-{booking_id}", FLIGHT, "12A", attempt)
        seat.reserve_seat(command, seats, lock, clock, 900)

    def renew(fencing_number: int) -> None:
        command = RenewSeatLockCommand("bk-1", "lock-bk-1", FLIGHT, "12A", fencing_number)
        seat.renew_seat_lock(command, seats, lock, clock, SeatConfig("seats", "seat-ledger", ""), lambda _s: None)

    reserve("bk-1")
    reserve("bk-1", attempt=1)
    lock.down = True  # so that the database refuses
    with pytest.raises(SeatTaken):
        reserve("bk-2")
    lock.down = False
    assert counts() == {"HoldsPlaced": 1}
    renew(1)
    renew(1)
    with pytest.raises(HoldLost):
        renew(2)
    assert counts() == {"HoldsRenewed": 2}
    for _ in range(2):
        seat.release_seat(ReleaseSeatCommand("bk-1", "lock-bk-1", FLIGHT, "12A"), seats, lock)
    assert counts() == {"Compensations ReleaseSeat": 1}


def test_bags_are_given_back_once_and_no_bags_are_nothing(dynamodb: "DynamoDBClient", counts: Counts) -> None:
    """A booking without bags has nothing that could be given back."""
    dynamodb.put_item(TableName="quota", Item=to_item({"flight_id": FLIGHT, "free": 3}))
    store = BaggageStore(dynamodb, "quota", "baggage-ledger")
    for booking_id, bags in (("bk-1", 2), ("bk-2", 0)):
        baggage.reserve_baggage(ReserveBaggageCommand(booking_id, FLIGHT, bags), store)
        for _ in range(2):
            baggage.release_baggage(booking_id, store)
    assert counts() == {"Compensations ReleaseBaggage": 1}


def test_money_is_given_back_once_and_nothing_taken_is_nothing_given_back(
    dynamodb: "DynamoDBClient", counts: Counts
) -> None:
    """A refund that is repeated, one of a declined card, and one before any charge."""
    store, gateway = PaymentStore(dynamodb, "payments", "sandbox"), SandboxGateway(dynamodb, "gateway")
    payment.process_payment(ProcessPaymentCommand("token", "bk-1", 7990, "EUR", "pm_approved"), store, gateway)
    with pytest.raises(CardDeclined):
        payment.process_payment(ProcessPaymentCommand("token", "bk-2", 7990, "EUR", "pm_declined"), store, gateway)
    assert counts() == {"PaymentLatency": 2}
    for booking_id in ("bk-1", "bk-1", "bk-2", "bk-3"):
        payment.refund_payment(booking_id, store, gateway)
    assert counts() == {"Compensations RefundPayment": 1}


def test_a_booking_is_confirmed_once_and_cancelled_once(bookings: BookingStore, counts: Counts) -> None:
    """The repeated step gets the booking as it stands."""
    command = ConfirmBookingCommand("bk-1", 7990, "EUR")
    first, second = (booking.confirm_booking(command, bookings) for _ in range(2))
    assert first == second
    assert counts() == {"Confirmations": 1}
    for _ in range(2):
        booking.cancel_booking(CancelBookingCommand("bk-1", "CancelledByCustomer"), bookings)
    assert counts() == {"Compensations CancelBooking CancelledByCustomer": 1}


def test_what_is_stuck_is_counted_by_step_once_and_again_after_a_redrive(
    bookings: BookingStore, counts: Counts
) -> None:
    """The operator who has driven it again hears that it is stuck again, also for the same reason."""
    command = FlagBookingCommand("bk-1", {"ReleaseBaggage": {"Error": "x"}, "ReleaseSeat": {"Error": "y"}})
    for _ in range(2):
        booking.flag_booking(command, bookings)
    assert counts() == {"StuckCompensations ReleaseBaggage": 1, "StuckCompensations ReleaseSeat": 1}
    booking.cancel_booking(CancelBookingCommand("bk-1", "SagaLost", redriven=True), bookings)
    counts()
    booking.flag_booking(command, bookings)
    assert sum(counts().values()) == 2
    booking.flag_booking(FlagBookingCommand("bk-1", {"CancelBooking": {"Error": "z"}}), bookings)
    assert counts() == {"StuckCompensations CancelBooking": 1}


def test_the_time_to_pay_is_measured_from_the_wait_to_the_first_answer(
    bookings: BookingStore, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """In seconds; the same answer again is none."""
    replies = FakeReplies()
    wait = AwaitPaymentMethodCommand("bk-1", "token", clock() + 900)
    payment_wait.await_payment_method(wait, bookings, replies, clock)
    clock.advance(61)
    for _ in range(2):
        answer = SupplyPaymentMethodCommand("bk-1", SECRET, "pm_approved")
        payment_wait.supply_payment_method(answer, bookings, replies, clock)
    [line] = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "HoldToPay" in text]
    assert line["HoldToPay"] == [61.0]


def test_a_booking_that_waited_before_there_was_this_metric_is_paid_all_the_same(
    bookings: BookingStore, dynamodb: "DynamoDBClient", clock: FakeClock, counts: Counts
) -> None:
    """Its row does not say since when."""
    replies = FakeReplies()
    wait = AwaitPaymentMethodCommand("bk-1", "token", clock() + 900)
    payment_wait.await_payment_method(wait, bookings, replies, clock)
    key = to_item({"booking_id": "bk-1"})
    dynamodb.update_item(TableName="bookings", Key=key, UpdateExpression="REMOVE waits_since_s")
    answer = SupplyPaymentMethodCommand("bk-1", SECRET, "pm_approved")
    given = payment_wait.supply_payment_method(answer, bookings, replies, clock)
    assert given["status"] == BookingStatus.PENDING
    assert counts() == {}
