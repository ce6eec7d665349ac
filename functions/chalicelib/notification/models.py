"""Events, results and settings of the notification service."""

from enum import StrEnum

import msgspec


class NotificationConfig(msgspec.Struct, frozen=True):
    """Environment of the notification function."""

    notifications_table: str
    sender_address: str


class EventKind(StrEnum):
    """What happened to a booking."""

    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


class BookingEvent(msgspec.Struct, frozen=True):
    """A booking event as the state machine publishes it: ids only, no personal data."""

    kind: EventKind
    booking_id: str
    hold_expires_at_s: int | None = None


class Recipient(msgspec.Struct, frozen=True):
    """Whom to tell."""

    name: str
    email: str


class BookingFacts(msgspec.Struct, frozen=True):
    """What a mail says about a booking; a part of what the booking service answers."""

    booking_id: str
    record_locator: str
    status: str
    flight_id: str
    seat: str
    bags: int
    passenger: Recipient
    language: str = "en"
    reason: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    refunded_minor: int | None = None


class Mail(msgspec.Struct, frozen=True):
    """One mail, ready to send."""

    to: str
    subject: str
    body: str
