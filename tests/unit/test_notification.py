"""Mails: one a booking and kind, whatever is delivered twice or breaks on the way."""

from typing import TYPE_CHECKING

import pytest

from chalicelib.notification import logic
from chalicelib.notification.models import BookingEvent, BookingFacts, EventKind, Mail, Recipient
from chalicelib.notification.store import SentStore
from chalicelib.shared.errors import ServiceUnavailable
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FACTS = BookingFacts(
    booking_id="bk-1",
    flight_id="KBP-BCN-0615",
    seat="12A",
    bags=1,
    passenger=Recipient(name="Олена", email="olena@example.com"),
    amount_minor=7905,
    currency="EUR",
)
EVENT = BookingEvent(kind=EventKind.CONFIRMED, booking_id="bk-1")


class FakeBookings:
    """The booking service that always knows the booking."""

    def facts(self, _booking_id: str) -> BookingFacts:
        return FACTS


class FakeMailServer:
    """Keeps what it is given; ``broken`` makes it refuse."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.broken = False

    def send(self, mail: Mail) -> None:
        if self.broken:
            raise ServiceUnavailable("no")
        self.mails.append(mail)


@pytest.fixture
def sent(dynamodb: "DynamoDBClient") -> SentStore:
    """Nothing was sent yet."""
    return SentStore(dynamodb, "notifications")


def test_an_event_that_is_delivered_twice_sends_one_mail(sent: SentStore, clock: FakeClock) -> None:
    """The second delivery finds the first one's mark."""
    server = FakeMailServer()
    assert logic.notify(EVENT, sent, FakeBookings(), server, clock)
    assert not logic.notify(EVENT, sent, FakeBookings(), server, clock)
    assert [mail.to for mail in server.mails] == ["olena@example.com"]


def test_a_mail_that_did_not_go_out_is_tried_again(sent: SentStore, clock: FakeClock) -> None:
    """The failed attempt gives its claim back."""
    server = FakeMailServer()
    server.broken = True
    with pytest.raises(ServiceUnavailable):
        logic.notify(EVENT, sent, FakeBookings(), server, clock)
    server.broken = False
    assert logic.notify(EVENT, sent, FakeBookings(), server, clock)


def test_a_claim_whose_owner_died_is_open_again_after_a_minute(sent: SentStore, clock: FakeClock) -> None:
    """Until then nobody else sends, since the owner may still be at it."""
    assert sent.claim(EVENT, clock())
    assert not logic.notify(EVENT, sent, FakeBookings(), FakeMailServer(), clock)
    clock.advance(61)
    assert logic.notify(EVENT, sent, FakeBookings(), FakeMailServer(), clock)


def test_a_price_is_shown_with_both_its_cents() -> None:
    """79.05, not 79.5."""
    assert "79.05 EUR" in logic.compose(EventKind.CONFIRMED, FACTS).body


def test_a_reason_is_told_in_words() -> None:
    """And an unknown one without a class name."""
    cancelled = BookingFacts(**{**{f: getattr(FACTS, f) for f in FACTS.__struct_fields__}, "reason": "KeyError"})
    body = logic.compose(EventKind.CANCELLED, cancelled).body
    assert "something went wrong on our side" in body
    assert "KeyError" not in body
