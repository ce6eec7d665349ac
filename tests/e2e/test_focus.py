"""What has the keyboard's focus keeps it, or hands it on, whatever is drawn anew; and nothing lies over it."""

import json
import re

from playwright.sync_api import Locator, Route, expect

from tests.e2e.conftest import Known, Visitors
from tests.e2e.visitor import HELD, PHONE_PX, Visitor

_ON_TOP = """(one) => {
  const box = one.getBoundingClientRect();
  return one.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
}"""

_ASKED_AN_HOUR_AGO = """() => {
  const passenger = { name: "Олена Шевченко", email: "olena@example.com" };
  const request = { flight_id: "KBP-LIS-0617", seat: "20A", passenger, bags: 0, language: "en" };
  const order = { key: "an-hour-ago-in-this-browser", request, begun_at_ms: Date.now() - 3_600_000 };
  localStorage.setItem(`leleka.bookings.pending.${order.key}`, JSON.stringify(order));
}"""


def test_who_tries_a_search_again_comes_to_what_is_found(olena: Visitor) -> None:
    """The button goes with the failure; the heading of the answer has the focus then, so the next tab is a flight."""
    olena.guard.allow_lost_network()
    olena.open("/bookings")
    expect(olena.heading("My bookings")).to_be_visible()
    olena.page.route("**/flights?*", lambda route: route.abort("connectionrefused"))
    olena.open()
    again = olena.button("Try again")
    again.focus()
    olena.page.unroute_all()
    again.press("Enter")
    expect(olena.page.get_by_role("list", name="Flights")).to_be_visible()
    expect(olena.page.get_by_role("heading", level=2, name="Flights")).to_be_focused()
    olena.page.keyboard.press("Tab")
    expect(olena.page.get_by_role("link", name=re.compile("^Choose a seat, LL 701")).first).to_be_focused()


def test_my_bookings_are_drawn_anew_around_the_focus(olena: Visitor, held: Known) -> None:
    """Another tab changes a booking, and then removes it: the same button has the focus, and then the heading."""
    olena.open_booking(held.ref, held.secret)
    expect(olena.status).to_have_text(HELD)
    olena.open("/bookings")
    line = olena.main.get_by_role("listitem").filter(has_text=held.ref)
    remove = line.get_by_role("button", name=f"Remove {held.ref} from the list")
    remove.focus()
    other = olena.page.context.new_page()
    other.goto(olena.base_url)
    (name,) = [name for name in olena.kept() if name.startswith("leleka.bookings.booking.")]
    changed = {**json.loads(olena.kept()[name]), "status": "NEEDS_ATTENTION"}
    other.evaluate("([name, text]) => localStorage.setItem(name, text)", [name, json.dumps(changed)])
    expect(line).to_contain_text("We are looking at it")
    expect(remove).to_be_focused()
    other.evaluate("(name) => localStorage.removeItem(name)", name)
    expect(line).to_have_count(0)
    expect(olena.heading("My bookings")).to_be_focused()


def test_nothing_that_stays_in_sight_covers_the_focus(visitor: Visitors) -> None:
    """On a small screen: neither the refusal of a seat at the bottom, nor the banner of a lost network at the top."""
    olena = visitor(viewport=PHONE_PX)
    olena.guard.allow_lost_network()
    olena.page.route("**/seats", _with_row_10_sold)
    olena.open_seats("KBP-LIS-0617")
    olena.seat("10B").focus()
    olena.page.keyboard.press("Enter")
    expect(olena.page.get_by_role("alert").filter(has_text="Seat 10B is taken.")).to_be_visible()
    for row in (11, 12, *range(14, 28)):
        olena.page.keyboard.press("ArrowDown")
        _see(olena.seat(f"{row}B"))
    olena.page.unroute_all()
    olena.page.context.set_offline(True)
    expect(olena.page.get_by_role("status").filter(has_text="No connection")).to_be_visible()
    for row in reversed((*range(4, 13), *range(14, 27))):
        olena.page.keyboard.press("ArrowUp")
        _see(olena.seat(f"{row}B"))


def test_a_question_above_the_screen_does_not_cover_the_focus(visitor: Visitors) -> None:
    """It stays in sight until it is answered, also for who walks up through the plan with the keyboard."""
    olena = visitor(viewport=PHONE_PX)
    olena.open()
    expect(olena.heading("Find a flight")).to_be_visible()
    olena.page.evaluate(_ASKED_AN_HOUR_AGO)
    olena.page.reload()
    question = olena.page.get_by_role("alert").filter(has_text="Some time ago you asked for seat 20A")
    expect(question).to_be_visible()
    olena.open_seats("KBP-LIS-0617")
    olena.seat("33B").focus()
    for row in reversed((*range(4, 13), *range(14, 33))):
        olena.page.keyboard.press("ArrowUp")
        _see(olena.seat(f"{row}B"))
    expect(question).to_be_in_viewport()


def _see(seat: Locator) -> None:
    expect(seat).to_be_focused()
    assert seat.evaluate(_ON_TOP), f"the focus is covered: {seat.get_attribute('aria-label')}"


def _with_row_10_sold(route: Route) -> None:
    response = route.fetch()
    answer = response.json()
    for seat in answer["seats"]:
        seat["status"] = "SOLD" if seat["row"] == 10 else "AVAILABLE"
    route.fulfill(response=response, json=answer)
