"""What a customer is told, and that it is told once."""

from typing import Protocol

from chalicelib.notification.models import BookingEvent, BookingFacts, EventKind, Mail
from chalicelib.notification.store import SentStore
from chalicelib.shared.clock import Clock

_REASONS = {
    "SeatTaken": "somebody else was quicker with this seat",
    "CardDeclined": "the card was declined",
    "InsufficientFunds": "the account had too little money",
    "BaggageFull": "the flight has no room for more bags",
    "FlightDeparted": "the sale of this flight has closed",
}


class Bookings(Protocol):
    """Who knows the booking."""

    def facts(self, booking_id: str, /) -> BookingFacts: ...


class MailServer(Protocol):
    """Who sends the mail."""

    def send(self, mail: Mail) -> None: ...


def notify(event: BookingEvent, sent: SentStore, bookings: Bookings, mails: MailServer, clock: Clock) -> bool:
    """Sends the mail of this event unless it was sent before; true if it went out now.

    Raises:
        ServiceUnavailable, StoreBusy: it did not go out; the event may be delivered again.
    """
    if not sent.claim(event, clock()):
        return False
    try:
        mails.send(compose(event.kind, bookings.facts(event.booking_id)))
    except Exception:
        sent.unclaim(event)
        raise
    sent.sent(event, clock())
    return True


def compose(kind: EventKind, booking: BookingFacts) -> Mail:
    """The mail's words."""
    if kind is EventKind.CONFIRMED:
        subject = f"Confirmed: {booking.flight_id}, seat {booking.seat}"
        news = f"your seat {booking.seat} on {booking.flight_id} is confirmed; we charged {_price(booking)}."
    else:
        subject = f"Not booked: {booking.flight_id}, seat {booking.seat}"
        reason = _REASONS.get(booking.reason or "", "something went wrong on our side")
        news = f"we could not book seat {booking.seat} on {booking.flight_id}: {reason}. You keep your money."
    body = f"Dear {booking.passenger.name},\n\n{news}\n\nBooking {booking.booking_id}\nLeleka\n"
    return Mail(to=booking.passenger.email, subject=subject, body=body)


def _price(booking: BookingFacts) -> str:
    amount_minor = booking.amount_minor or 0
    return f"{amount_minor // 100}.{amount_minor % 100:02d} {booking.currency or ''}".strip()
