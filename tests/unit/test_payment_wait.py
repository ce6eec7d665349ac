"""The customer's time to pay: in time, too late, twice, and in the very moment that the saga gives up."""

import secrets
from typing import TYPE_CHECKING

import pytest

from chalicelib.booking import logic, payment_wait
from chalicelib.booking.access import own_booking, secret_hash
from chalicelib.booking.models import (
    AwaitPaymentMethodCommand,
    BookingStatus,
    CancelBookingCommand,
    ConfirmBookingCommand,
    Passenger,
    PlaceBookingCommand,
    RequestCancellationCommand,
    SupplyPaymentMethodCommand,
)
from chalicelib.booking.store import BookingStore
from chalicelib.shared.errors import (
    BookingClosed,
    BookingInProgress,
    BookingNotFound,
    HoldExpired,
    PaymentAlreadyGiven,
)
from tests.fakes import FakeClock, FakeReplies
from tests.unit.placing_world import SOURCE, place_booking

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SECRET, HOLD_S = "a" * 26, 900


class Wait:
    """A booking that waits for its payment method."""

    def __init__(self, dynamodb: "DynamoDBClient", clock: FakeClock) -> None:
        self.store = BookingStore(dynamodb, "bookings", "locators")
        self.clock = clock
        self.replies = FakeReplies()
        passenger = Passenger("Olena", "olena@example.com")
        command = PlaceBookingCommand("bk-1", "hash", secret_hash(SECRET), "KBP-BCN-0615", "12A", 0, passenger, SOURCE)
        self.locator = place_booking(command, dynamodb, clock).record_locator
        logic.create_booking("bk-1", self.store)
        self.begin("token-1")

    def begin(self, token: str) -> None:
        command = AwaitPaymentMethodCommand("bk-1", token, self.clock() + HOLD_S)
        payment_wait.await_payment_method(command, self.store, self.replies)

    def pay(self, method: str = "pm_approved", ref: str = "bk-1", secret: str = SECRET) -> None:
        command = SupplyPaymentMethodCommand(ref, secret, method)
        payment_wait.supply_payment_method(command, self.store, self.replies, self.clock)

    def late(self, task_token: str, output: object) -> bool:  # noqa: ARG002 - the protocol's names
        self.clock.advance(HOLD_S)
        return False

    def taken_and_late(self, task_token: str, output: object) -> bool:
        payment_wait.take_payment_method("bk-1", self.store)
        return self.late(task_token, output)

    def cancel(self) -> str | None:
        command = RequestCancellationCommand("bk-1", SECRET)
        return logic.request_cancellation(command, self.store, self.replies).lock_id

    def status(self) -> BookingStatus:
        return logic.describe_booking("bk-1", self.store).status


@pytest.fixture
def wait(dynamodb: "DynamoDBClient", clock: FakeClock) -> Wait:
    """The hold has just begun."""
    return Wait(dynamodb, clock)


def test_the_booking_says_that_it_waits_and_until_when(wait: Wait) -> None:
    """For the countdown."""
    booking = logic.describe_booking("bk-1", wait.store)
    assert (booking.status, booking.hold_expires_at_s) == (BookingStatus.AWAITING_PAYMENT, wait.clock() + HOLD_S)


def test_a_method_in_time_lets_the_saga_go_on(wait: Wait) -> None:
    """By the booking id or by the locator, and once more without harm."""
    wait.pay(ref=wait.locator)
    wait.pay()
    assert wait.replies.outputs == {"token-1": "pm_approved"}
    assert wait.status() is BookingStatus.PENDING


def test_a_method_after_the_hold_is_refused(wait: Wait) -> None:
    """At the very second at which it ends; the saga hears nothing."""
    wait.clock.advance(HOLD_S)
    with pytest.raises(HoldExpired):
        wait.pay()
    assert wait.replies.outputs == {}


def test_an_answer_that_comes_too_late_for_the_saga_is_taken_back(wait: Wait) -> None:
    """It won the write, and by the time of its message hold and saga were over: the saga can take it no more."""
    wait.replies.succeed = wait.late  # type: ignore[method-assign]  # time passes on the way
    with pytest.raises(HoldExpired):
        wait.pay()
    assert wait.status() is BookingStatus.AWAITING_PAYMENT
    with pytest.raises(HoldExpired):
        payment_wait.take_payment_method("bk-1", wait.store)


def test_an_answer_that_the_saga_has_taken_is_not_taken_back(wait: Wait) -> None:
    """Its message came late, but a repeated wait had found it: what is charged is not called refused."""
    wait.replies.succeed = wait.taken_and_late  # type: ignore[method-assign]  # the saga is quicker
    wait.pay()
    assert wait.status() is BookingStatus.PENDING
    assert payment_wait.take_payment_method("bk-1", wait.store) == "pm_approved"


def test_of_two_equal_answers_neither_is_told_that_it_is_too_late(wait: Wait) -> None:
    """The saga hears one message only; while the hold stands that is no sign that it has given up."""
    wait.pay()
    wait.pay()
    assert wait.status() is BookingStatus.PENDING
    assert payment_wait.take_payment_method("bk-1", wait.store) == "pm_approved"


def test_a_repeated_answer_after_a_hold_that_ran_out_is_refused(wait: Wait) -> None:
    """The first one died between its write and its message, and the saga has given up since."""
    wait.store.give_payment_method("bk-1", "pm_approved", wait.clock())
    wait.clock.advance(HOLD_S)
    wait.replies.deaf = True
    with pytest.raises(HoldExpired):
        wait.pay()
    with pytest.raises(HoldExpired):
        payment_wait.take_payment_method("bk-1", wait.store)


def test_cancelling_in_the_moment_of_paying_says_so(wait: Wait) -> None:
    """The saga went on: it is not told as cancelled what is about to be charged."""
    booking = wait.store.find("bk-1")
    assert booking
    wait.pay()
    with pytest.raises(BookingInProgress):
        payment_wait.withdraw(booking, wait.store, wait.replies)


def test_another_method_is_refused_once_one_was_given(wait: Wait) -> None:
    """The first one is what is charged."""
    wait.pay()
    with pytest.raises(PaymentAlreadyGiven):
        wait.pay("pm_declined")
    assert wait.replies.outputs == {"token-1": "pm_approved"}


def test_a_repeated_wait_takes_the_place_of_the_first(wait: Wait) -> None:
    """Its token is the one that is answered."""
    wait.begin("token-2")
    wait.pay()
    assert wait.replies.outputs == {"token-2": "pm_approved"}


def test_a_repeated_wait_that_comes_after_the_answer_is_answered_at_once(wait: Wait) -> None:
    """Otherwise the saga would wait for a customer who has paid."""
    wait.pay()
    wait.begin("token-2")
    assert wait.replies.outputs == {"token-1": "pm_approved", "token-2": "pm_approved"}


def test_an_answer_between_look_and_write_of_a_repeated_wait_is_not_lost(
    wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repeated step saw none, the customer gave one, and the step wrote that it waits: it goes on all the same."""
    seen = wait.store.find("bk-1")
    wait.pay()
    monkeypatch.setattr(wait.store, "find", lambda _: seen)
    wait.begin("token-2")
    monkeypatch.undo()
    assert wait.replies.outputs == {"token-1": "pm_approved", "token-2": "pm_approved"}
    assert wait.status() is BookingStatus.PENDING
    assert payment_wait.take_payment_method("bk-1", wait.store) == "pm_approved"


@pytest.mark.parametrize(("reason", "error"), [("HoldExpired", HoldExpired), ("SeatTaken", BookingClosed)])
def test_an_ended_booking_takes_no_payment(wait: Wait, reason: str, error: type[Exception]) -> None:
    """And says why."""
    logic.cancel_booking(CancelBookingCommand("bk-1", reason), wait.store)
    with pytest.raises(error):
        wait.pay()


def test_a_wrong_secret_is_as_good_as_no_booking(wait: Wait) -> None:
    """The answer is the same as for a booking that does not exist."""
    with pytest.raises(BookingNotFound) as wrong:
        wait.pay(secret="b" * 26)
    with pytest.raises(BookingNotFound) as missing:
        wait.pay(ref="bk-2")
    with pytest.raises(BookingNotFound) as nowhere:
        own_booking("ZZZZZZ", SECRET, wait.store)
    assert str(wrong.value) == str(missing.value) == str(nowhere.value)
    assert wait.status() is BookingStatus.AWAITING_PAYMENT


def test_a_waiting_booking_is_cancelled_by_failing_its_saga(wait: Wait) -> None:
    """The saga rolls back by itself; no other saga is needed."""
    assert wait.cancel() is None
    assert wait.replies.errors == {"token-1": "CancelledByCustomer"}


def test_a_confirmed_booking_is_cancelled_by_a_saga_of_its_own(wait: Wait) -> None:
    """Which needs the secret of the lock to give the seat back."""
    wait.pay()
    logic.confirm_booking(ConfirmBookingCommand("bk-1", 5490, "EUR"), wait.store)
    assert wait.cancel() == wait.store.find("bk-1")["lock_id"]  # type: ignore[index]  # it is there


def test_a_booking_at_work_cannot_be_cancelled(wait: Wait) -> None:
    """Its payment may be under way; ask again when that has ended."""
    wait.pay()
    with pytest.raises(BookingInProgress):
        wait.cancel()


def test_a_record_locator_is_six_characters_that_cannot_be_confused(wait: Wait) -> None:
    """Neither 0 and O nor 1 and I."""
    assert len(wait.locator) == 6
    assert not set(wait.locator) & set("01IO")
    assert wait.store.booking_id_of(wait.locator) == "bk-1"


def test_a_locator_in_use_is_not_given_again(
    wait: Wait, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second booking draws until it has one of its own."""
    taken, fresh = list(wait.locator), list("ZZZZZZ")
    drawn = iter([*taken, *taken, *fresh])
    monkeypatch.setattr(secrets, "choice", lambda _: next(drawn))
    passenger = Passenger("Taras", "taras@example.com")
    command = PlaceBookingCommand("bk-2", "hash", "other", "KBP-BCN-0615", "12B", 0, passenger, SOURCE)
    assert place_booking(command, dynamodb, wait.clock).record_locator == "ZZZZZZ"
