"""The life of a booking.

::

    REQUESTED ──▶ PENDING ──▶ CONFIRMED
        │            │            │
        └────────────┴────────────┴──▶ CANCELLED, or NEEDS_ATTENTION when something could not be undone

CANCELLED is final: a forward step that arrives later is refused.
"""

import json
import secrets

from chalicelib.booking.models import (
    Booking,
    BookingStatus,
    BookingTicket,
    CancelBookingCommand,
    ConfirmBookingCommand,
    FlagBookingCommand,
    Passenger,
    PlaceBookingCommand,
)
from chalicelib.booking.store import BookingStore
from chalicelib.shared.clock import Clock
from chalicelib.shared.dynamo import ConditionFailed, Item
from chalicelib.shared.errors import BookingClosed, BookingNotFound, IdempotencyKeyReused, StoreBusy

_REQUEST_TTL_S = 86_400
_OPEN = frozenset({BookingStatus.REQUESTED, BookingStatus.PENDING})
_CANCELLABLE = _OPEN | {BookingStatus.CONFIRMED}


def place_booking(command: PlaceBookingCommand, store: BookingStore, clock: Clock) -> Booking:
    """Keeps the request and mints the secret of its lock. The same request again gets what the first one made.

    Raises:
        IdempotencyKeyReused: the id stands for another request; nothing was written.
        StoreBusy: no verdict; the call may be repeated.
    """
    now_s = clock()
    try:
        standing = store.place(command, secrets.token_hex(16), now_s, now_s + _REQUEST_TTL_S)
    except ConditionFailed as vanished:
        raise StoreBusy("the earlier request has just expired; ask again") from vanished
    if standing["request_hash"] != command.request_hash:
        raise IdempotencyKeyReused("this Idempotency-Key was used with another request; use a new key")
    return _booking(standing)


def create_booking(booking_id: str, store: BookingStore) -> BookingTicket:
    """T1: REQUESTED becomes PENDING. Repeating changes nothing.

    Raises:
        BookingNotFound: it was never placed.
        BookingClosed: it has ended already; the saga must not go on.
        StoreBusy: no verdict; the step may be repeated.
    """
    try:
        item = store.move(booking_id, _OPEN, BookingStatus.PENDING)
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
            frozenset({BookingStatus.PENDING, BookingStatus.CONFIRMED}),
            BookingStatus.CONFIRMED,
            amount_minor=command.amount_minor,
            currency=command.currency,
        )
    except ConditionFailed as refused:
        raise _closed_or_missing(command.booking_id, refused) from refused
    return _booking(item)


def cancel_booking(command: CancelBookingCommand, store: BookingStore) -> bool:
    """C1: whatever state it is in becomes CANCELLED; true if it did now, false if it had ended or never was.

    Raises:
        StoreBusy: no verdict; the step may be repeated.
    """
    try:
        store.move(command.booking_id, _CANCELLABLE, BookingStatus.CANCELLED, reason=command.reason)
    except ConditionFailed:
        return False
    return True


def flag_booking(command: FlagBookingCommand, store: BookingStore) -> None:
    """Marks a booking of which something could not be undone, for the operator.

    Raises:
        BookingNotFound: there is none.
        StoreBusy: no verdict; the step may be repeated.
    """
    stuck = json.dumps(command.stuck, sort_keys=True)
    try:
        store.move(command.booking_id, frozenset(BookingStatus), BookingStatus.NEEDS_ATTENTION, stuck=stuck)
    except ConditionFailed as refused:
        raise BookingNotFound(f"there is no booking {command.booking_id}") from refused


def get_booking(booking_id: str, store: BookingStore) -> Booking:
    """The booking.

    Raises:
        BookingNotFound: there is none.
    """
    item = store.find(booking_id)
    if item is None:
        raise BookingNotFound(f"there is no booking {booking_id}")
    return _booking(item)


def _closed_or_missing(booking_id: str, refused: ConditionFailed) -> BookingClosed | BookingNotFound:
    item = refused.items[0]
    if item is None:
        return BookingNotFound(f"there is no booking {booking_id}")
    return BookingClosed(f"booking {booking_id} is {item['status']} and accepts no further step")


def _booking(item: Item) -> Booking:
    return Booking(
        booking_id=item["booking_id"],
        status=BookingStatus(item["status"]),
        flight_id=item["flight_id"],
        seat=item["seat"],
        bags=item["bags"],
        passenger=Passenger(name=item["passenger_name"], email=item["passenger_email"]),
        created_at_s=item["created_at_s"],
        reason=item.get("reason"),
        amount_minor=item.get("amount_minor"),
        currency=item.get("currency"),
    )
