"""What a mail says, in each language. One template a kind; the reasons in words that a customer understands."""

from dataclasses import dataclass

from chalicelib.notification.models import BookingEvent, BookingFacts, EventKind, Mail
from chalicelib.shared.clock import iso


@dataclass(frozen=True)
class Words:
    """One language."""

    greeting: str
    subjects: dict[EventKind, str]
    news: dict[EventKind, str]
    reasons: dict[str, str]
    other_reason: str
    refunded: str
    nothing_charged: str


_ENGLISH = Words(
    greeting="Dear {name},",
    subjects={
        EventKind.HELD: "Seat {seat} on {flight} is held for you",
        EventKind.CONFIRMED: "Confirmed: {flight}, seat {seat}, {locator}",
        EventKind.CANCELLED: "Cancelled: {flight}, seat {seat}, {locator}",
    },
    news={
        EventKind.HELD: "we hold seat {seat} on {flight} for you until {until}. Please pay before then.",
        EventKind.CONFIRMED: "your seat {seat} on {flight} is confirmed. We charged {price}.",
        EventKind.CANCELLED: "your booking of seat {seat} on {flight} is cancelled: {reason}. {money}",
    },
    reasons={
        "SeatTaken": "somebody else was quicker with this seat",
        "CardDeclined": "the card was declined",
        "InsufficientFunds": "the account had too little money",
        "PaymentMethodRejected": "the payment method could not be used",
        "BaggageFull": "the flight has no room for more bags",
        "FlightDeparted": "the sale of this flight has closed",
        "HoldExpired": "the time to pay was over",
        "HoldLost": "the hold of the seat was lost",
        "HoldLimitReached": "the payment took too long",
        "CancelledByCustomer": "you asked us to",
    },
    other_reason="something went wrong on our side",
    refunded="We gave {money} back.",
    nothing_charged="Nothing was charged.",
)
_UKRAINIAN = Words(
    greeting="Вітаємо, {name}!",
    subjects={
        EventKind.HELD: "Місце {seat} на рейс {flight} тримаємо для вас",
        EventKind.CONFIRMED: "Підтверджено: {flight}, місце {seat}, {locator}",
        EventKind.CANCELLED: "Скасовано: {flight}, місце {seat}, {locator}",
    },
    news={
        EventKind.HELD: "Тримаємо для вас місце {seat} на рейс {flight} до {until}. Оплатіть, будь ласка, до того.",
        EventKind.CONFIRMED: "Ваше місце {seat} на рейс {flight} підтверджено. Списано {price}.",
        EventKind.CANCELLED: "Бронювання місця {seat} на рейс {flight} скасовано: {reason}. {money}",
    },
    reasons={
        "SeatTaken": "хтось інший забронював це місце раніше",
        "CardDeclined": "картку відхилено",
        "InsufficientFunds": "на рахунку замало коштів",
        "PaymentMethodRejected": "цим способом оплати скористатися не вдалося",
        "BaggageFull": "на рейсі більше немає місця для багажу",
        "FlightDeparted": "продаж на цей рейс завершено",
        "HoldExpired": "час на оплату вийшов",
        "HoldLost": "місце не вдалося втримати",
        "HoldLimitReached": "оплата тривала надто довго",
        "CancelledByCustomer": "ви про це попросили",
    },
    other_reason="сталася помилка з нашого боку",
    refunded="Повернуто {money}.",
    nothing_charged="Нічого не списано.",
)
LANGUAGES = {"en": _ENGLISH, "uk": _UKRAINIAN}
"""The languages by their code."""


def compose(event: BookingEvent, booking: BookingFacts) -> Mail:
    """The mail of an event, in the customer's language."""
    words = LANGUAGES[booking.language]
    refunded_minor = booking.refunded_minor or 0
    refund = words.refunded.format(money=_money(refunded_minor, booking.currency))
    values = {
        "name": booking.passenger.name,
        "flight": booking.flight_id,
        "seat": booking.seat,
        "locator": booking.record_locator,
        "until": iso(event.hold_expires_at_s) if event.hold_expires_at_s else "",
        "price": _money(booking.amount_minor or 0, booking.currency),
        "reason": words.reasons.get(booking.reason or "", words.other_reason),
        "money": refund if refunded_minor else words.nothing_charged,
    }
    lines = [words.greeting, words.news[event.kind]]
    body = "\n\n".join(line.format(**values) for line in lines)
    return Mail(
        to=booking.passenger.email,
        subject=words.subjects[event.kind].format(**values),
        body=f"{body}\n\n{booking.record_locator} · {booking.booking_id}\nLeleka\n",
    )


def _money(amount_minor: int, currency: str | None) -> str:
    return f"{amount_minor // 100}.{amount_minor % 100:02d} {currency or 'EUR'}"
