"""Mails: one a booking and kind, whatever is delivered twice or breaks on the way."""

import traceback
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from chalicelib.notification import logic
from chalicelib.notification.models import BookingEvent, BookingFacts, EventKind, Mail, Recipient
from chalicelib.notification.store import MailServer, SentStore
from chalicelib.notification.words import LANGUAGES, compose
from chalicelib.shared.errors import ServiceUnavailable
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FACTS = BookingFacts(
    booking_id="bk-1",
    record_locator="ABC234",
    status="CONFIRMED",
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


def test_a_refusal_of_the_mail_server_does_not_carry_the_address_into_the_log() -> None:
    """Amazon SES names whom it does not take; what is logged is its code."""

    class Refusing:
        def send_email(self, **_mail: Any) -> None:
            words = "Email address is not verified: olena@example.com"
            raise ClientError({"Error": {"Code": "MessageRejected", "Message": words}}, "SendEmail")

    server: Any = Refusing()
    with pytest.raises(ServiceUnavailable) as refused:
        MailServer(server, "bookings@leleka.example").send(compose(EVENT, FACTS))
    logged = "".join(traceback.format_exception(refused.value))
    assert "MessageRejected" in logged
    assert "olena" not in logged


def test_a_claim_whose_owner_died_is_open_again_after_a_minute(sent: SentStore, clock: FakeClock) -> None:
    """Until then nobody else sends, since the owner may still be at it."""
    assert sent.claim(EVENT, clock())
    assert not logic.notify(EVENT, sent, FakeBookings(), FakeMailServer(), clock)
    clock.advance(61)
    assert logic.notify(EVENT, sent, FakeBookings(), FakeMailServer(), clock)


def test_a_mail_that_is_no_longer_true_is_not_sent(sent: SentStore, clock: FakeClock) -> None:
    """The hold was told of late: by now the booking is confirmed."""
    server = FakeMailServer()
    held = BookingEvent(kind=EventKind.HELD, booking_id="bk-1", hold_expires_at_s=1_800_000_000)
    assert logic.notify(held, sent, FakeBookings(), server, clock)
    assert server.mails == []


def about(kind: EventKind, **facts: object) -> str:
    """Subject and body of a mail about a booking that differs in these facts."""
    booking = msgspec.structs.replace(FACTS, **facts)
    mail = compose(BookingEvent(kind=kind, booking_id="bk-1", hold_expires_at_s=1_800_000_000), booking)
    return f"{mail.subject}\n{mail.body}"


def test_a_price_is_shown_with_both_its_cents_and_the_locator() -> None:
    """79.05, not 79.5."""
    mail = about(EventKind.CONFIRMED)
    assert "79.05 EUR" in mail
    assert "ABC234" in mail


def test_a_reason_is_told_in_words() -> None:
    """And an unknown one without a class name."""
    mail = about(EventKind.CANCELLED, reason="KeyError")
    assert "something went wrong on our side" in mail
    assert "KeyError" not in mail


def test_a_cancellation_says_what_happened_to_the_money() -> None:
    """Nothing was charged, or so much went back."""
    assert "Nothing was charged" in about(EventKind.CANCELLED, reason="CardDeclined")
    assert "We gave 79.05 EUR back" in about(EventKind.CANCELLED, reason="HoldLost", refunded_minor=7905)


def test_a_hold_says_when_it_ends() -> None:
    """With the instant, in UTC."""
    assert "until 2027-01-15T08:00:00Z" in about(EventKind.HELD)


def test_both_languages_have_words_for_the_same() -> None:
    """No kind and no reason is missing in one of them, and the customer's choice is what counts."""
    english, ukrainian = LANGUAGES["en"], LANGUAGES["uk"]
    assert set(english.reasons) == set(ukrainian.reasons)
    assert (
        set(english.news) == set(ukrainian.news) == set(english.subjects) == set(ukrainian.subjects) == set(EventKind)
    )
    assert "Підтверджено" in about(EventKind.CONFIRMED, language="uk")
