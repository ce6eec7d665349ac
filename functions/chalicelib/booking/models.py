"""Commands, results and settings of the booking service."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta


class BookingConfig(msgspec.Struct, frozen=True):
    """Environment of every booking function."""

    bookings_table: str
    locators_table: str
    hold_limits_table: str
    due_grace_s: int = 120
    hold_ttl_s: int = 900
    hold_total_s: int = 2700
    holds_per_customer: Annotated[int, Meta(ge=1, le=50)] = 9
    holds_per_source: Annotated[int, Meta(ge=1, le=50)] = 9
    hold_cooldown_s: Annotated[int, Meta(ge=0, le=86_400)] = 900


class Language(StrEnum):
    """In which language the customer gets mail."""

    ENGLISH = "en"
    UKRAINIAN = "uk"


class BookingStatus(StrEnum):
    """Where a booking is. REQUESTED means that the request is kept and its saga has not begun."""

    REQUESTED = "REQUESTED"
    PENDING = "PENDING"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


class Passenger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who flies. Kept by the booking service only; the saga carries the booking id."""

    name: str
    email: str


class PlaceBookingCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keep this request, before any saga runs. ``request_hash`` tells a repeat from another request; ``source`` is the
    address that it came from."""

    booking_id: str
    request_hash: str
    secret_hash: str
    flight_id: str
    seat: str
    bags: int
    passenger: Passenger
    source: str
    payment_method: str | None = None
    language: Language = Language.ENGLISH


class AwaitPaymentMethodCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The saga waits for the customer until the hold ends; ``task_token`` lets it go on."""

    booking_id: str
    task_token: str
    hold_expires_at_s: int


class TakePaymentMethodCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The saga takes what the customer gave, before it charges."""

    booking_id: str


class SupplyPaymentMethodCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The customer's answer. ``ref`` is a booking id or a record locator."""

    ref: str
    secret: str
    payment_method: str


class RequestCancellationCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The customer wants out. ``ref`` is a booking id or a record locator."""

    ref: str
    secret: str


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
    """C1: the booking becomes CANCELLED for this reason (an error name); ``redriven`` by an operator, also one that
    needs attention."""

    booking_id: str
    reason: str
    refunded_minor: int = 0
    redriven: bool = False


class FlagBookingCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something could not be undone; ``stuck`` names the compensations and their errors. With ``seen`` only a booking
    that still is so."""

    booking_id: str
    stuck: dict[str, object]
    seen: BookingStatus | None = None


class GetBookingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One booking for its customer. ``ref`` is a booking id or a record locator."""

    ref: str
    secret: str


class DescribeBookingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One booking for another service of ours."""

    booking_id: str


class Booking(msgspec.Struct, frozen=True, omit_defaults=True):
    """A booking as its customer sees it; ``lock_id`` is filled for our own services only."""

    booking_id: str
    record_locator: str
    status: BookingStatus
    flight_id: str
    seat: str
    bags: int
    passenger: Passenger
    created_at_s: int
    language: Language = Language.ENGLISH
    hold_expires_at_s: int | None = None
    reason: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    refunded_minor: int | None = None
    lock_id: str | None = None


class HoldLimits(msgspec.Struct, frozen=True):
    """What one may hold. ``counts_s`` is how long a claim counts at most, ``grace_s`` how late its saga may begin."""

    per_customer: int
    per_source: int
    hold_ttl_s: int
    cooldown_s: int
    counts_s: int
    grace_s: int

    @property
    def keep_s(self) -> int:
        """How long a claim can matter: as a held seat, or as the first of several holds of one seat."""
        return max(self.counts_s, 2 * self.hold_ttl_s + self.cooldown_s)


class Claim(msgspec.Struct, frozen=True, omit_defaults=True):
    """A booking's claim to a seat, ``<flight>#<seat>``. ``ended``: its booking is known to hold nothing any more."""

    seat: str
    at_s: int
    ended: bool = False


type Claims = dict[str, Claim]
"""What one holder has claimed, by booking id."""


class Seen(msgspec.Struct, frozen=True):
    """What a booking says of its claim."""

    status: BookingStatus
    reason: str | None = None
    amount_minor: int | None = None
    hold_expires_at_s: int | None = None


class Cancellation(msgspec.Struct, frozen=True):
    """What came of the wish to cancel. ``lock_id`` is there if a cancellation saga has to be started."""

    booking: Booking
    lock_id: str | None = None
