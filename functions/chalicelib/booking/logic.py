"""The life of a booking.

::

                    AWAITING_PAYMENT
                        ▲  │
                        │  ▼
    REQUESTED ──▶ PENDING ──▶ CONFIRMED
        │            │            │
        └────────────┴────────────┴──▶ CANCELLED, or NEEDS_ATTENTION when something could not be undone

CANCELLED is final: a forward step that arrives later is refused. Out of NEEDS_ATTENTION leads only a cancellation that
an operator has driven again.
"""

import json

import msgspec

from chalicelib.booking.models import (
    Booking,
    BookingStatus,
    BookingTicket,
    CancelBookingCommand,
    Cancellation,
    ConfirmBookingCommand,
    FlagBookingCommand,
    Language,
    Passenger,
    RequestCancellationCommand,
)
from chalicelib.booking.payment_wait import Replies, require_cancellable, withdraw
from chalicelib.booking.store import BookingStore
from chalicelib.shared import metrics
from chalicelib.shared.clock import Clock, system_clock
from chalicelib.shared.dynamo import ConditionFailed, Item
from chalicelib.shared.errors import BookingClosed, BookingNotFound

_OPEN = frozenset({BookingStatus.REQUESTED, BookingStatus.PENDING})
_CANCELLABLE = _OPEN | {BookingStatus.AWAITING_PAYMENT, BookingStatus.CONFIRMED}


def create_booking(booking_id: str, store: BookingStore, clock: Clock = system_clock) -> BookingTicket:
    """T1: REQUESTED becomes PENDING. Repeating changes nothing.

    Raises:
        BookingNotFound: it was never placed.
        BookingClosed: it has ended already; the saga must not go on.
        StoreBusy: no verdict; the step may be repeated.
    """
    try:
        item = store.move(booking_id, _OPEN, BookingStatus.PENDING, due_from_s=clock())
    except ConditionFailed as refused:
        raise _closed_or_missing(booking_id, refused) from refused
    return BookingTicket(lock_id=item["lock_id"])


def confirm_booking(command: ConfirmBookingCommand, store: BookingStore) -> Booking:
    """T8: PENDING becomes CONFIRMED. Repeating changes nothing.

    Raises:
        BookingNotFound, BookingClosed: nothing was changed.
        StoreBusy: no verdict; the step may be repeated.
    """
    try:
        item = store.move(
            command.booking_id,
            frozenset({BookingStatus.PENDING}),
            BookingStatus.CONFIRMED,
            amount_minor=command.amount_minor,
            currency=command.currency,
        )
    except ConditionFailed as refused:
        standing = refused.items[0]
        if standing is None or standing["status"] != BookingStatus.CONFIRMED:
            raise _closed_or_missing(command.booking_id, refused) from refused
        return booking_of(standing)
    metrics.count("Confirmations")
    return booking_of(item)


def cancel_booking(command: CancelBookingCommand, store: BookingStore) -> bool:
    """C1: whatever state it is in becomes CANCELLED; true if it did now, false if it had ended or never was. A booking
    that needs attention stays so, unless an operator has driven its compensations again.

    Raises:
        StoreBusy: no verdict; the step may be repeated.
    """
    cancellable = _CANCELLABLE | ({BookingStatus.NEEDS_ATTENTION} if command.redriven else set())
    try:
        store.move(
            command.booking_id,
            cancellable,
            BookingStatus.CANCELLED,
            reason=command.reason,
            refunded_minor=command.refunded_minor,
        )
    except ConditionFailed:
        return False
    metrics.count("Compensations", step="CancelBooking", reason=command.reason)
    return True


def flag_booking(command: FlagBookingCommand, store: BookingStore) -> None:
    """Marks a booking of which something could not be undone, for the operator.

    Raises:
        BookingNotFound: there is none.
        BookingClosed: it is not, or no longer, what the caller saw; nothing was changed.
        StoreBusy: no verdict; the step may be repeated.
    """
    stuck = json.dumps(command.stuck, sort_keys=True)
    seen = frozenset({command.seen}) if command.seen else frozenset(BookingStatus)
    try:
        before = store.move(command.booking_id, seen, BookingStatus.NEEDS_ATTENTION, returning="ALL_OLD", stuck=stuck)
    except ConditionFailed as refused:
        raise _closed_or_missing(command.booking_id, refused) from refused
    if (before["status"], before.get("stuck")) != (BookingStatus.NEEDS_ATTENTION, stuck):  # else a repeated step
        for step in command.stuck:
            metrics.count("StuckCompensations", step=step)


def describe_booking(booking_id: str, store: BookingStore) -> Booking:
    """The booking, for our own services, with the secret of its seat lock.

    Raises:
        BookingNotFound: there is none.
    """
    item = store.find(booking_id)
    if item is None:
        raise BookingNotFound(f"there is no booking {booking_id}")
    return msgspec.structs.replace(booking_of(item), lock_id=item["lock_id"])


def request_cancellation(
    command: RequestCancellationCommand, store: BookingStore, replies: Replies, clock: Clock = system_clock
) -> Cancellation:
    """What has to be done: a confirmed booking needs a cancellation saga, a waiting one is withdrawn here, one that is
    cancelled needs nothing.

    Raises:
        BookingNotFound: there is none, or the secret is wrong.
        BookingInProgress: its saga is at work; ask again when it has ended.
        StoreBusy: no verdict; the same may be asked again.
    """
    item = require_cancellable(command, store)
    if item["status"] == BookingStatus.AWAITING_PAYMENT:
        item = withdraw(item, store, replies)
    if item["status"] == BookingStatus.CONFIRMED:
        item = _cancelling(item, store, clock)
    confirmed = item["status"] == BookingStatus.CONFIRMED
    return Cancellation(booking=booking_of(item), lock_id=item["lock_id"] if confirmed else None)


def _cancelling(item: Item, store: BookingStore, clock: Clock) -> Item:
    try:
        return store.cancelling(item["booking_id"], clock())
    except ConditionFailed as moved:
        return moved.items[0] or item  # an earlier wish was fulfilled in this moment


def _closed_or_missing(booking_id: str, refused: ConditionFailed) -> BookingClosed | BookingNotFound:
    item = refused.items[0]
    if item is None:
        return BookingNotFound(f"there is no booking {booking_id}")
    return BookingClosed(f"booking {booking_id} is {item['status']} and accepts no further step")


def booking_of(item: Item) -> Booking:
    """A row of the table as its customer sees it."""
    return Booking(
        booking_id=item["booking_id"],
        record_locator=item["record_locator"],
        status=BookingStatus(item["status"]),
        flight_id=item["flight_id"],
        seat=item["seat"],
        bags=item["bags"],
        passenger=Passenger(name=item["passenger_name"], email=item["passenger_email"]),
        created_at_s=item["created_at_s"],
        language=Language(item["language"]),
        hold_expires_at_s=item.get("hold_expires_at_s"),
        reason=item.get("reason"),
        amount_minor=item.get("amount_minor"),
        currency=item.get("currency"),
        refunded_minor=item.get("refunded_minor"),
    )
