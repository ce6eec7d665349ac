"""What a customer is told, and that it is told once."""

from typing import Protocol

from chalicelib.notification.models import BookingEvent, BookingFacts, EventKind, Mail
from chalicelib.notification.store import SentStore
from chalicelib.notification.words import compose
from chalicelib.shared.clock import Clock

# An event may come late, after a failed attempt or out of order; these are the states in which its mail is still true.
_STILL_TRUE = {
    EventKind.HELD: frozenset({"PENDING", "AWAITING_PAYMENT"}),
    EventKind.CONFIRMED: frozenset({"CONFIRMED"}),
    EventKind.CANCELLED: frozenset({"CANCELLED"}),
}


class Bookings(Protocol):
    """Who knows the booking."""

    def facts(self, booking_id: str, /) -> BookingFacts: ...


class MailServer(Protocol):
    """Who sends the mail."""

    def send(self, mail: Mail) -> None: ...


def notify(event: BookingEvent, sent: SentStore, bookings: Bookings, mails: MailServer, clock: Clock) -> bool:
    """Sends the mail of this event unless it was sent before or is no longer true; true if the event is dealt with now.

    Raises:
        ServiceUnavailable, StoreBusy: it did not go out; the event may be delivered again.
    """
    if not sent.claim(event, clock()):
        return False
    try:
        facts = bookings.facts(event.booking_id)
        if facts.status in _STILL_TRUE[event.kind]:
            mails.send(compose(event, facts))
    except Exception:
        sent.unclaim(event)
        raise
    sent.sent(event, clock())
    return True
