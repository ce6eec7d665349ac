"""Commands, results and settings of the booking service."""

from enum import StrEnum

import msgspec


class BookingConfig(msgspec.Struct, frozen=True):
    """Environment of every booking function."""

    bookings_table: str


class BookingStatus(StrEnum):
    """Where a booking is. REQUESTED means that the request is kept and its saga has not begun."""

    REQUESTED = "REQUESTED"
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


class Passenger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who flies. Kept by the booking service only; the saga carries the booking id."""

    name: str
    email: str


class PlaceBookingCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keep this request, before any saga runs. ``request_hash`` tells a repeat from another request."""

    booking_id: str
    request_hash: str
    flight_id: str
    seat: str
    bags: int
    passenger: Passenger
    payment_method: str | None = None


class CreateBookingCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """T1: the booking becomes PENDING."""

    booking_id: str


class BookingTicket(msgspec.Struct, frozen=True):
    """What the saga carries of a booking: the secret of its seat lock, and what to reserve."""

    lock_id: str


class ConfirmBookingCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """T8: the booking becomes CONFIRMED at this price."""

    booking_id: str
    amount_minor: int
    currency: str


class CancelBookingCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """C1: the booking becomes CANCELLED for this reason (an error name)."""

    booking_id: str
    reason: str


class FlagBookingCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something could not be undone; ``stuck`` names the compensations and their errors."""

    booking_id: str
    stuck: dict[str, object]


class GetBookingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One booking by its id."""

    booking_id: str


class Booking(msgspec.Struct, frozen=True, omit_defaults=True):
    """A booking as its customer sees it."""

    booking_id: str
    status: BookingStatus
    flight_id: str
    seat: str
    bags: int
    passenger: Passenger
    created_at_s: int
    reason: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
