"""What Leleka's REST API takes and gives, typed. Fields that a later API adds are passed over."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Language(StrEnum):
    """In which language the customer gets mail."""

    ENGLISH = "en"
    UKRAINIAN = "uk"


class Flight(msgspec.Struct, frozen=True):
    """A flight; ``*_at`` are RFC 3339 in UTC, ``*_local`` the airport's own clock."""

    flight_id: str
    number: str
    origin: str
    destination: str
    departs_at: str
    arrives_at: str
    departs_local: str
    arrives_local: str
    aircraft: str
    distance_km: int


class Seat(msgspec.Struct, frozen=True):
    """A seat as the sale sees it: AVAILABLE, HELD or SOLD. The price is None where the cabin is not on sale."""

    seat: str
    row: int
    letter: str
    cabin: str
    position: str
    exit_row: bool
    status: str
    price_minor: int | None = None
    currency: str | None = None


class Booking(msgspec.Struct, frozen=True, omit_defaults=True):
    """A booking. ``reason`` is the code of what it was cancelled for; until ``hold_expires_at`` it can be paid."""

    booking_id: str
    record_locator: str
    status: str
    flight_id: str
    seat: str
    bags: int
    created_at: str
    hold_expires_at: datetime | None = None
    reason: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    refunded_minor: int | None = None


class PlacedBooking(Booking, frozen=True, omit_defaults=True, kw_only=True):
    """A booking as it was made: the one answer that has the secret, which its customer needs from then on."""

    secret: str

    def __repr__(self) -> str:
        """Without the secret: this may end in a log."""
        return f"PlacedBooking({self.booking_id!r}, {self.status!r})"


class FlightList(msgspec.Struct):
    """The answer of a search."""

    flights: list[Flight]


class SeatList(msgspec.Struct):
    """The answer of a seat map."""

    seats: list[Seat]


class BookingRequest(msgspec.Struct, frozen=True):
    """What a customer asks for. Without a payment method the seat is held until they have chosen one."""

    flight_id: str
    seat: str
    name: str
    email: str
    bags: int
    payment_method: str | None = None
    language: Language = Language.ENGLISH


class Claim(msgspec.Struct, frozen=True):
    """A booking, by its id or its record locator, with the secret that proves whose it is."""

    ref: str
    secret: str

    def __repr__(self) -> str:
        """Without the secret: this may end in a log."""
        return f"Claim({self.ref!r})"
