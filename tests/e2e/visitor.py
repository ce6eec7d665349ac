"""A customer in front of a browser. Finds everything as a person does: by role and name."""

import re
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Locator, Page, ViewportSize, expect

from leleka.paths import PROJECT
from tests.e2e.guard import Guard

NAME, EMAIL = "Олена Шевченко", "olena@example.com"
APPROVED, DECLINED, SLOW = "Card that is approved", "Card that is declined", "Card that takes long"
HELD = "Your seat is held. Pay to keep it."
CONFIRMED = "Confirmed"
ARTIFACTS = PROJECT / ".leleka" / "e2e"
PICTURES = ARTIFACTS / "screenshots"
PICTURE_BYTES_MAX = 150_000
WINDOW_PX: ViewportSize = {"width": 1280, "height": 800}
PHONE_PX: ViewportSize = {"width": 360, "height": 740}


class Visitor:
    """One browser context with one page, at the address of the stage."""

    def __init__(self, page: Page, guard: Guard, base_url: str) -> None:
        self.page = page
        self.guard = guard
        self.base_url = base_url
        self._words: Mapping[str, str] = {}

    def speak(self, words: Mapping[str, str]) -> None:
        """From now on looks for these words in the place of the English ones."""
        self._words = words

    def say(self, english: str, **values: object) -> str:
        """The words as the page should have them."""
        words = self._words[english] if self._words else english
        return words.format(**values) if values else words

    def cancelled(self, reason: str) -> str:
        """How a booking that ended says why, when nothing was charged."""
        words = self.say("Cancelled: {reason}.", reason=self.say(reason))
        return f"{words} {self.say('Nothing was charged.')}"

    # Where to be

    def open(self, route: str = "/") -> None:
        """Goes to a screen by its address."""
        self.page.goto(f"{self.base_url}#{route}")

    def open_seats(self, flight_id: str) -> None:
        """The seat map of a flight, drawn."""
        self.open(f"/flights/{flight_id}")
        expect(self.seats.get_by_role("gridcell").first).to_be_visible()

    def open_booking(self, ref: str, secret: str) -> None:
        """A booking by its link and its secret."""
        self.open(f"/bookings/{ref}")
        self.page.get_by_label(self.say("Secret"), exact=True).fill(secret)
        self.button("Open booking").click()
        expect(self.status).to_be_visible()

    # What is there

    def heading(self, words: str, **values: object) -> Locator:
        """The one h1."""
        return self.page.get_by_role("heading", level=1, name=self.say(words, **values))

    def button(self, words: str, **values: object) -> Locator:
        """A button by its whole name."""
        return self.page.get_by_role("button", name=self.say(words, **values), exact=True)

    def field(self, words: str) -> Locator:
        """A form field by its label."""
        return self.page.get_by_label(self.say(words), exact=True)

    @property
    def main(self) -> Locator:
        """The screen, without header and live regions."""
        return self.page.get_by_role("main")

    @property
    def seats(self) -> Locator:
        """The grid of seats."""
        return self.page.get_by_role("grid", name=self.say("Seats"))

    def seat(self, seat: str) -> Locator:
        """The button of a seat in the grid."""
        return self.seats.get_by_role("button", name=re.compile(f"^{self.say('Seat {seat}', seat=seat)},"))

    @property
    def status(self) -> Locator:
        """Where the booking says how it stands."""
        return self.main.get_by_role("status").first

    @property
    def timeline(self) -> Locator:
        """The steps of the saga."""
        return self.page.get_by_role("list", name=self.say("Steps of the saga"))

    def step(self, name: str, state: str) -> Locator:
        """A step of the timeline, in this state."""
        return self.page.locator(f"li[data-step={name}][data-state={state}]")

    def steps(self) -> list[str]:
        """The steps that the timeline shows, in its order."""
        found: list[str] = self.timeline.locator("li[data-step]:visible").evaluate_all(
            "all => all.map(li => li.dataset.step)"
        )
        return found

    @property
    def pay_button(self) -> Locator:
        """The button that pays; its name has the amount."""
        return self.page.get_by_role("button", name=re.compile(f"^{self.say('Pay {price}').removesuffix('{price}')}"))

    # What to do

    def choose_seat(self, seat: str) -> None:
        """Takes a seat in the map; its order form opens."""
        self.seat(seat).click()
        expect(self.page.get_by_role("heading", level=2, name=self.say("Seat {seat}", seat=seat))).to_be_visible()

    def fill_in(self, bags: int = 1, name: str = NAME, email: str = EMAIL) -> None:
        """Writes into the order form."""
        self.field("Full name").fill(name)
        self.field("E-mail").fill(email)
        self.field("Bags").select_option(str(bags))

    def hold(self, seat: str) -> str:
        """Sends the order form and waits until the seat is held; returns the record locator."""
        self.button("Hold seat {seat}", seat=seat).click()
        expect(self.status).to_have_text(self.say(HELD))
        return self.ref

    def book(self, flight_id: str, seat: str, bags: int = 1) -> str:
        """From the seat map to a held seat; returns the record locator."""
        self.open_seats(flight_id)
        self.choose_seat(seat)
        self.fill_in(bags)
        return self.hold(seat)

    def pay(self, card: str = APPROVED) -> None:
        """Chooses a card and pays."""
        self.page.get_by_role("radio", name=self.say(card), exact=True).check()
        self.pay_button.click()

    def cancel(self) -> None:
        """Cancels the booking, and means it."""
        self.button("Cancel booking").click()
        self.page.get_by_role("dialog").get_by_role("button", name=self.say("Cancel booking"), exact=True).click()

    @property
    def ref(self) -> str:
        """The record locator in the address."""
        found = re.search(r"#/bookings/([2-9A-HJ-NP-Z]{6})$", self.page.url)
        assert found, self.page.url
        return found[1]

    def picture(self, name: str, height_px: int | None = None) -> None:
        """Takes a picture of the window for the documentation, of another height if one is given."""
        usual = self.page.viewport_size or WINDOW_PX
        if height_px:
            self.page.set_viewport_size({"width": usual["width"], "height": height_px})
        PICTURES.mkdir(parents=True, exist_ok=True)
        # From the top, without a mouse over anything, and with animations at their end: two pictures are alike.
        self.page.evaluate("scrollTo(0, 0)")
        self.page.mouse.move(0, 0)
        taken = self.page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
        if height_px:
            self.page.set_viewport_size(usual)
        assert len(taken) < PICTURE_BYTES_MAX, f"{name}.png has {len(taken)} bytes"

    def kept(self) -> dict[str, Any]:
        """What this browser keeps in its storage."""
        found: dict[str, Any] = self.page.evaluate("() => ({...localStorage})")
        return found
