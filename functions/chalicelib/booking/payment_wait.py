"""The customer's time to pay: the saga waits with a task token, the customer's answer lets it go on.

Two conditional writes decide, so that nobody is told "nothing is charged" by a saga that charges:

* giving: AWAITING_PAYMENT becomes PENDING with the method, only while the hold stands;
* taking: the saga takes the method before it charges, and what is taken can't be taken back.

The message to the saga decides nothing. That it was not heard may mean that the saga has given up, or that a twin of
the same answer was quicker, or that an earlier reply was lost.
"""

from typing import Protocol

from chalicelib.booking.access import own_booking
from chalicelib.booking.models import (
    AwaitPaymentMethodCommand,
    BookingStatus,
    RequestCancellationCommand,
    SupplyPaymentMethodCommand,
)
from chalicelib.booking.store import BookingStore
from chalicelib.shared import metrics
from chalicelib.shared.clock import Clock, system_clock
from chalicelib.shared.dynamo import ConditionFailed, Item
from chalicelib.shared.errors import (
    BookingClosed,
    BookingInProgress,
    CancelledByCustomer,
    HoldExpired,
    LelekaError,
    PaymentAlreadyGiven,
)

_WAITING = frozenset({BookingStatus.PENDING, BookingStatus.AWAITING_PAYMENT})


class Replies(Protocol):
    """The saga that waits."""

    def succeed(self, task_token: str, output: object) -> bool: ...

    def fail(self, task_token: str, error: LelekaError) -> bool: ...


def await_payment_method(
    command: AwaitPaymentMethodCommand, store: BookingStore, replies: Replies, clock: Clock = system_clock
) -> None:
    """PENDING becomes AWAITING_PAYMENT. A repeated step brings a new token, which takes the place of the old one.

    Raises:
        BookingClosed: the booking has ended.
        StoreBusy: no verdict; the step may be repeated.
    """
    standing = store.find(command.booking_id)
    given = standing.get("payment_method") if standing else None
    if given and _token_renewed(command, store):  # the customer was quicker than this repeated step
        replies.succeed(command.task_token, given)
        return
    try:
        booking = store.move(
            command.booking_id,
            _WAITING,
            BookingStatus.AWAITING_PAYMENT,
            task_token=command.task_token,
            due_from_s=command.hold_expires_at_s,
            hold_expires_at_s=command.hold_expires_at_s,
            waits_since_s=clock(),
        )
        given = booking.get("payment_method")
        if given:  # given between the look and the write of this repeated step: nothing is left to wait for
            store.move(command.booking_id, _WAITING, BookingStatus.PENDING)
            replies.succeed(command.task_token, given)
    except ConditionFailed as refused:
        raise BookingClosed(f"booking {command.booking_id} accepts no further step") from refused


def _token_renewed(command: AwaitPaymentMethodCommand, store: BookingStore) -> bool:
    try:
        store.renew_task_token(command.booking_id, command.task_token)
    except ConditionFailed:
        return False  # the method was taken back meanwhile: wait anew
    return True


def take_payment_method(booking_id: str, store: BookingStore) -> str:
    """The saga takes the method that the customer gave; it is charged only after that. Repeating changes nothing.

    Raises:
        HoldExpired: the answer came too late and was taken back.
        BookingClosed: the booking has ended.
        StoreBusy: no verdict; the step may be repeated.
    """
    try:
        return store.take_payment_method(booking_id)
    except ConditionFailed as refused:
        status = (refused.items[0] or {}).get("status")
        if status == BookingStatus.AWAITING_PAYMENT:
            raise HoldExpired("the payment method came too late; nothing is charged") from refused
        raise BookingClosed(f"booking {booking_id} accepts no further step") from refused


def supply_payment_method(
    command: SupplyPaymentMethodCommand, store: BookingStore, replies: Replies, clock: Clock
) -> Item:
    """The customer's payment method, in time. The same one again changes nothing.

    Raises:
        BookingNotFound: there is none, or the secret is wrong.
        HoldExpired: too late; nothing is charged.
        PaymentAlreadyGiven: another method was given before.
        BookingInProgress: the saga has not come to the payment yet.
        BookingClosed: the booking has ended.
        StoreBusy: no verdict; the same answer may be given again.
    """
    booking = own_booking(command.ref, command.secret, store)
    try:
        booking = store.give_payment_method(booking["booking_id"], command.payment_method, clock())
        if "waits_since_s" in booking:  # not in one that has waited since before this was written down
            metrics.measure_s("HoldToPay", clock() - booking["waits_since_s"])
    except ConditionFailed as refused:
        booking = refused.items[0] or booking
        _require_same_answer(booking, command.payment_method, clock())
    # Also on a repeated answer: the first one may have died between its write and its message.
    if not replies.succeed(booking["task_token"], command.payment_method):
        booking = _unheard(booking["booking_id"], store, clock())
    return booking


def _unheard(booking_id: str, store: BookingStore, now_s: int) -> Item:
    """Nobody heard the answer. While the hold stands the saga can't have given up: a twin of the answer was heard."""
    booking = store.find(booking_id) or {}
    _require_alive(booking)
    if booking["status"] == BookingStatus.CONFIRMED or booking["hold_expires_at_s"] > now_s:
        return booking
    try:
        store.take_payment_method_back(booking_id)
    except ConditionFailed:
        booking = store.find(booking_id) or {}
        _require_alive(booking)
        return booking  # the saga has taken it
    raise HoldExpired("the time to pay is over; nothing is charged")


def withdraw(booking: Item, store: BookingStore, replies: Replies) -> Item:
    """The customer gives the held seat up: the waiting saga is failed, and rolls back by itself. Returns the booking.

    Raises:
        BookingInProgress: the saga has gone on in the same moment; ask again when it has ended.
        StoreBusy: no verdict; the same may be asked again.
    """
    given_up = CancelledByCustomer("the customer gave the seat up before paying")
    if replies.fail(booking["task_token"], given_up):
        return booking
    booking = store.find(booking["booking_id"]) or booking
    if booking["status"] not in {BookingStatus.CONFIRMED, BookingStatus.CANCELLED}:
        raise BookingInProgress("the booking went on in the same moment; it can be cancelled when that has ended")
    return booking


def require_cancellable(command: RequestCancellationCommand, store: BookingStore) -> Item:
    """The customer's booking in a state in which a wish to cancel can be acted on.

    Raises:
        BookingNotFound: there is none, or the secret is wrong.
        BookingInProgress: its saga is at work; ask again when it has ended.
    """
    booking = own_booking(command.ref, command.secret, store)
    if booking["status"] in {BookingStatus.REQUESTED, BookingStatus.PENDING, BookingStatus.NEEDS_ATTENTION}:
        raise BookingInProgress(f"the booking is {booking['status']}; it can be cancelled when that has ended")
    return booking


def _require_same_answer(booking: Item, payment_method: str, now_s: int) -> None:
    _require_alive(booking)
    given = booking.get("payment_method")
    if given is not None and (given != payment_method or "task_token" not in booking):
        raise PaymentAlreadyGiven("a payment method was given for this booking before")
    if "task_token" not in booking:
        raise BookingInProgress("the seat is not held yet; ask again in a moment")
    if given is None and booking["hold_expires_at_s"] <= now_s:
        raise HoldExpired("the time to pay is over; nothing is charged")


def _require_alive(booking: Item) -> None:
    if booking.get("status") not in {BookingStatus.CANCELLED, BookingStatus.NEEDS_ATTENTION}:
        return
    if booking.get("reason") == "HoldExpired":
        raise HoldExpired("the time to pay is over; nothing is charged")
    raise BookingClosed(f"the booking is {booking['status']}")
