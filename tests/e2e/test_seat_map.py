"""The seat map: what it says of each seat, how keys move in it, how it follows the sale."""

import json
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route, expect

from tests.e2e.conftest import Row
from tests.e2e.visitor import Visitor
from tests.functional.customer import Customer

type Customers = Callable[[], Customer]
AIRBUS = "KBP-WAW-0616"  # 180 seats, of which 172 are sold; nobody books on it
BOEING = "KBP-LIS-0617"  # nor on this one


def test_each_seat_says_what_it_is(olena: Visitor, customer: Customers) -> None:
    """Number, position, status, price and exit row, of every seat that is sold, in the order of the cabin."""
    olena.open_seats(AIRBUS)
    answer = customer().get(f"/flights/{AIRBUS}/seats").json()["seats"]
    assert len(answer) == 172
    labels = olena.seats.get_by_role("button").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert labels == [_label(seat) for seat in answer]
    heads = olena.seats.get_by_role("columnheader").all_text_contents()
    assert [head for head in heads if head] == [*"ABCDEF"]
    rows = [int(head) for head in olena.seats.get_by_role("rowheader").all_text_contents() if head.isdecimal()]
    assert rows == [row for row in range(1, 32) if row != 13]
    for words in ("Business", "Economy", "Exit"):
        expect(olena.seats.get_by_text(words).first).to_be_visible()


def test_keys_move_through_the_cabin(olena: Visitor) -> None:
    """One tab stop; arrows pass over what is not sold, the edge stops, and Home, End and pages lead where they say."""
    olena.open_seats(BOEING)
    assert olena.seats.locator("button[tabindex='0']").count() == 1
    olena.seat("1A").focus()
    for key, seat in [
        ("ArrowRight", "1C"),  # 1B stays empty: business class
        ("ArrowRight", "1C"),  # 1D to 1F are not there
        ("ArrowDown", "2C"),
        ("ArrowRight", "2D"),
        ("End", "2F"),
        ("ArrowUp", "2F"),
        ("Home", "2A"),
        ("ArrowLeft", "2A"),
        ("PageDown", "4A"),
        ("ArrowRight", "4B"),
        ("ArrowUp", "4B"),
        ("PageUp", "1A"),
        ("Control+End", "33F"),
        ("ArrowDown", "33F"),
        ("Control+Home", "1A"),
    ]:
        olena.page.keyboard.press(key)
        assert _focused(olena).startswith(f"Seat {seat},"), (key, seat, _focused(olena))
    olena.seat("12A").focus()
    olena.page.keyboard.press("ArrowDown")
    assert _focused(olena).startswith("Seat 14A,")
    assert olena.seats.locator("button[tabindex='0']").count() == 1
    olena.page.keyboard.press("Enter")
    expect(olena.page.get_by_role("heading", level=2, name="Seat 14A")).to_be_focused()
    olena.button("Choose another seat").click()
    expect(olena.seat("14A")).to_be_focused()


_WATCH = """(grid) => {
  const seen = window.seen = { batches: 0, seats: new Set(), others: new Set(), moves: 0 };
  const seatOf = (node) => (node.closest ? node : node.parentElement).closest("button");
  new MutationObserver((records) => {
    seen.batches += 1;
    for (const { target } of records) {
      const seat = seatOf(target);
      if (seat) seen.seats.add(seat.getAttribute("aria-label").match(/^Seat (\\w+)/)[1]);
      else seen.others.add(target.nodeName);
    }
  }).observe(grid, { subtree: true, attributes: true, childList: true, characterData: true });
  for (const begun of ["transitionrun", "animationstart"]) grid.addEventListener(begun, () => { seen.moves += 1; });
}"""
_TWO_FRAMES = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
_SEEN = "() => ({ ...seen, seats: [...seen.seats].sort(), others: [...seen.others] })"


class _Sale:
    """The answers of the seat map, changed on their way."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self.changes: dict[str, str] = {}
        visitor.page.route("**/seats", self._answer)

    def refresh(self) -> None:
        """The next answer arrives and is shown. A tab that is shown again asks at once."""
        with self._visitor.page.expect_response("**/seats") as answered:
            self._visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        answered.value.finished()
        self._visitor.page.evaluate(_TWO_FRAMES)

    def _answer(self, route: Route) -> None:
        response = route.fetch()
        answer: dict[str, Any] = response.json()
        for seat in answer["seats"]:
            seat["status"] = self.changes.get(seat["seat"], seat["status"])
        route.fulfill(response=response, body=json.dumps(answer))


def test_a_refresh_of_the_whole_cabin_is_one_frame(
    olena: Visitor, record_property: Callable[[str, object], None]
) -> None:
    """All seats change in one go, and no colour is on its way for longer; afterwards only those that differ are
    touched, and nothing if none does; the focus and what was typed stay."""
    sale = _Sale(olena)
    olena.open_seats(AIRBUS)
    everyone = [label.split()[1].rstrip(",") for label in _labels(olena)]
    olena.choose_seat("20C")
    olena.field("Full name").fill("Оле")
    olena.seats.evaluate(_WATCH)
    sale.changes = {seat: "HELD" if seat[-1] in "AF" else "SOLD" for seat in everyone if seat != "20C"}
    sale.refresh()
    seen = olena.page.evaluate(_SEEN)
    assert (seen["batches"], seen["others"], seen["moves"]) == (1, [], 0)
    assert seen["seats"] == sorted(set(everyone) - {"20C"})
    assert len(_taken(olena)) == len(everyone) - 1
    expect(olena.field("Full name")).to_be_focused()
    expect(olena.field("Full name")).to_have_value("Оле")
    durations = olena.page.evaluate("performance.getEntriesByName('seat-map-refresh').map((one) => one.duration)")
    assert len(durations) == 1
    record_property("seat_map_refresh_ms", durations[0])

    olena.seats.evaluate(_WATCH)
    sale.changes |= {"20D": "AVAILABLE", "21A": "SOLD"}
    sale.refresh()
    assert olena.page.evaluate(_SEEN) == {"batches": 1, "seats": ["20D", "21A"], "others": [], "moves": 0}

    olena.seats.evaluate(_WATCH)
    sale.refresh()
    assert olena.page.evaluate(_SEEN) == {"batches": 0, "seats": [], "others": [], "moves": 0}


def test_a_seat_that_is_taken_meanwhile_is_shown_so_without_a_reload(
    olena: Visitor, customer: Customers, row: Row
) -> None:
    """The plan follows the sale; who had chosen the seat is told at once and offered the nearest ones."""
    taras = customer()
    olena.open_seats(row.flight_id)
    olena.choose_seat(row["B"])
    expect(olena.seat(row["A"])).to_have_accessible_name(re.compile("available"))
    first = taras.book(row["A"], method=None, flight_id=row.flight_id)["booking_id"]
    expect(olena.seat(row["A"])).to_have_accessible_name(f"Seat {row['A']}, window, held by another customer")
    expect(olena.seat(row["A"])).to_have_attribute("aria-disabled", "true")
    second = taras.book(row["B"], method=None, flight_id=row.flight_id)["booking_id"]
    expect(olena.page.get_by_role("alert")).to_have_text(f"Seat {row['B']} has just been taken.")
    offered = olena.page.get_by_role("button", name=re.compile(r"^Seat \w+, (window|middle|aisle), €54.90$"))
    offered.filter(has_text=row["C"]).click()
    expect(olena.page.get_by_role("heading", level=2, name=f"Seat {row['C']}")).to_be_focused()
    for booking_id in (first, second):
        taras.cancel(booking_id)
        assert taras.outcome(booking_id)["status"] == "CANCELLED"
    expect(olena.seat(row["A"])).to_have_accessible_name(re.compile("available"))


def test_a_taken_seat_is_refused_with_the_nearest_free_ones(olena: Visitor) -> None:
    """Whether sold or held; the seat can be reached by keys, but not ordered."""
    sale = _Sale(olena)
    sale.changes = {"20A": "SOLD", "20B": "HELD", "20C": "SOLD", "21A": "SOLD"}
    olena.open_seats(AIRBUS)
    olena.seat("20A").focus()
    olena.page.keyboard.press("ArrowRight")
    assert _focused(olena) == "Seat 20B, middle, held by another customer"
    olena.page.keyboard.press("Enter")
    expect(olena.page.get_by_role("alert")).to_contain_text("20B")
    expect(olena.page.get_by_role("button", name=re.compile("^Hold seat"))).to_have_count(0)
    olena.seat("20A").click(force=True)  # Playwright doesn't click by itself on what is aria-disabled
    expect(olena.page.get_by_role("alert")).to_have_text("Seat 20A is taken.")
    offers = olena.page.locator("main").get_by_role("list").get_by_role("button").all_text_contents()
    assert [offer.split()[1].rstrip(",") for offer in offers][:1] == ["19A"]
    olena.open(f"/flights/{AIRBUS}?near=21A")
    expect(olena.page.get_by_role("alert")).to_have_text("Seat 21A was taken.")


def test_the_number_of_free_seats_is_said_when_asked(olena: Visitor) -> None:
    """And not at each refresh, which would drown everything else; who sees the plan reads it, as it is now."""
    sale = _Sale(olena)
    olena.open_seats(AIRBUS)
    sale.changes = {"20A": "SOLD"}
    sale.refresh()
    spoken = olena.page.locator("[aria-live=polite]")
    expect(spoken).to_have_text("")
    olena.button("How many seats are free?").click()
    expect(spoken).to_contain_text("Business: 16 free, from €159.00")
    expect(spoken).to_contain_text("Economy: 155 free, from €32.90")
    shown = olena.main.get_by_text("Economy: 155 free, from €32.90")
    expect(shown).to_be_visible()
    sale.changes |= {"20B": "HELD", "20C": "SOLD"}
    sale.refresh()
    expect(olena.main.get_by_text("Economy: 153 free, from €32.90")).to_be_visible()
    expect(spoken).not_to_contain_text("153")


def _label(seat: dict[str, Any]) -> str:
    price = f"€{seat['price_minor'] / 100:.2f}"
    exit_row = ", exit row" if seat["exit_row"] else ""
    return f"Seat {seat['seat']}, {seat['position']}, available, {price}{exit_row}"


def _labels(visitor: Visitor) -> list[str]:
    found: list[str] = visitor.seats.get_by_role("button").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )
    return found


def _taken(visitor: Visitor) -> list[str]:
    return [label for label in _labels(visitor) if ", taken" in label or ", held by another customer" in label]


def _focused(visitor: Visitor) -> str:
    return str(visitor.page.evaluate("document.activeElement.getAttribute('aria-label')"))
