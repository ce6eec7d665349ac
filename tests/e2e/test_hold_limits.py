"""Who holds as many seats as one may is told so in words, and what to do."""

import re
from contextlib import closing

from playwright.sync_api import expect

from leleka.stage import Stage
from tests.e2e.conftest import Row
from tests.e2e.visitor import Visitor
from tests.functional.customer import Customer

FLIGHT = "BCN-KBP-0629"
SEATS = [f"{row}{letter}" for row in (20, 21, 22) for letter in "ABC"]
WORDS = {
    "en": r"You hold as many seats as one customer may, so this one was not held\..* in \d+ minutes?\.",
    "uk": r"Ви тримаєте стільки місць, скільки можна водночас.* через \d+ хвилин[иу]?\.",
}


def test_a_tenth_seat_is_refused_kindly_and_held_once_another_was_given_back(
    olena: Visitor, stage: Stage, row: Row
) -> None:
    """In both languages, in the form, which keeps what was typed: the same button sends the same request again."""
    olena.guard.allow_answer(429)
    with closing(Customer(stage, email="olena-of-nine-seats@example.com")) as elsewhere:
        held = [elsewhere.book(seat, method=None, bags=0, flight_id=FLIGHT)["booking_id"] for seat in SEATS]
        olena.open_seats(row.flight_id)
        olena.choose_seat(row["A"])
        olena.fill_in(bags=0, email=elsewhere.email)
        olena.button("Hold seat {seat}", seat=row["A"]).click()
        message = olena.main.get_by_role("alert")
        expect(message).to_have_text(re.compile(WORDS["en"]))
        olena.page.get_by_role("button", name="Українська").click()
        expect(olena.page.locator("html")).to_have_attribute("lang", "uk")
        olena.page.get_by_role("button", name=f"Притримати місце {row['A']}").click()
        expect(message).to_have_text(re.compile(WORDS["uk"]))
        assert olena.kept() == {} or "pending" not in str(olena.kept())
        olena.page.get_by_role("button", name="English").click()
        expect(olena.page.locator("html")).to_have_attribute("lang", "en")
        for booking_id in held:
            elsewhere.waiting(booking_id)
            elsewhere.cancel(booking_id)
            elsewhere.outcome(booking_id)
        olena.hold(row["A"])
