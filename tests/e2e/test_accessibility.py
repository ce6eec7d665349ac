"""Axe on every screen in its main states, in light and dark; less motion for those who asked for it."""

import re

from playwright.sync_api import Route, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Known, Row, Visitors
from tests.e2e.visitor import CONFIRMED, HELD, Visitor

_MOTION = """() => [...document.querySelectorAll("*")].flatMap((one) => [null, "::before", "::after"].map((part) => {
  const style = getComputedStyle(one, part);
  const longest = (list) => Math.max(...list.split(",").map(parseFloat));
  const animation = style.animationName === "none" ? 0 : longest(style.animationDuration);
  return Math.max(animation, style.transitionProperty === "none" ? 0 : longest(style.transitionDuration));
})).reduce((a, b) => Math.max(a, b), 0)"""


def test_the_search_has_no_barriers(olena: Visitor) -> None:
    """With flights, without any, and without a network."""
    olena.open()
    expect(olena.page.get_by_role("list", name="Flights")).to_be_visible()
    assert violations(olena.page) == []
    olena.field("From").select_option("LWO")
    olena.button("Search").click()
    expect(olena.main.get_by_text("There are no flights")).to_be_visible()
    assert violations(olena.page) == []
    olena.guard.allow_lost_network()
    olena.page.context.set_offline(True)
    expect(olena.page.get_by_role("status").filter(has_text="No connection")).to_be_visible()
    olena.button("Search").click()
    expect(olena.button("Try again")).to_be_visible()
    assert violations(olena.page) == []


def test_the_seat_map_has_no_barriers(olena: Visitor) -> None:
    """With seats of every kind, the order form, its complaints, and a refusal."""
    olena.page.route("**/seats", _every_kind)
    olena.open_seats("KBP-LIS-0617")
    assert violations(olena.page) == []
    olena.choose_seat("20A")
    olena.button("Hold seat {seat}", seat="20A").click()
    expect(olena.field("Full name")).to_have_attribute("aria-invalid", "true")
    assert violations(olena.page) == []
    olena.seat("21B").click(force=True)
    expect(olena.page.get_by_role("alert").filter(has_text="21B")).to_be_visible()
    assert violations(olena.page) == []


def test_a_booking_has_no_barriers(olena: Visitor, row: Row) -> None:
    """While it is held, when it is asked whether to cancel it, paid, with its secret, and in the list."""
    olena.book(row.flight_id, row["A"])
    assert violations(olena.page) == []
    olena.button("Cancel booking").click()
    expect(olena.page.get_by_role("dialog")).to_be_visible()
    assert violations(olena.page) == []
    olena.page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    olena.button("Show secret").click()
    olena.pay()
    expect(olena.status).to_have_text(CONFIRMED)
    expect(olena.step("NotifyConfirmed", "succeeded")).to_be_visible()
    assert violations(olena.page) == []
    olena.open("/bookings")
    expect(olena.main.get_by_role("link", name=re.compile("^[2-9A-Z]{6}"))).to_be_visible()
    assert violations(olena.page) == []


def test_a_rolled_back_booking_has_no_barriers(olena: Visitor, rolled_back: Known) -> None:
    """For customers and for engineers; nor has the way to a booking whose secret isn't known, nor a page that isn't
    there."""
    olena.open_booking(rolled_back.ref, rolled_back.secret)
    expect(olena.step("NotifyCancelled", "succeeded")).to_be_visible()
    assert violations(olena.page) == []
    olena.page.get_by_role("switch").click()
    assert violations(olena.page) == []
    olena.guard.allow_answer(404)
    olena.open("/bookings/ZZZZZZ")
    olena.field("Secret").fill("a" * 26)
    olena.button("Open booking").click()
    expect(olena.main.get_by_role("alert")).to_have_text(re.compile(r"\w"))
    assert violations(olena.page) == []
    olena.open("/nothing")
    expect(olena.button("Try again")).to_be_visible()
    assert violations(olena.page) == []


def test_who_wants_less_motion_gets_none(visitor: Visitors, held: Known) -> None:
    """Neither transitions nor animations on the seat map, its form, and a booking; who doesn't ask for it has some, so
    there is something to leave out."""
    moving = {}
    for motion in ("reduce", "no-preference"):
        one = visitor(reduced_motion=motion)
        one.open_seats("KBP-LIS-0617")
        longest_s = [one.page.evaluate(_MOTION)]
        one.choose_seat("20A")
        longest_s.append(one.page.evaluate(_MOTION))
        moving[motion] = longest_s
    calm = visitor(reduced_motion="reduce")
    calm.open_booking(held.ref, held.secret)
    expect(calm.status).to_have_text(HELD)
    moving["reduce"].append(calm.page.evaluate(_MOTION))
    assert max(moving["reduce"]) <= 0.01, moving
    assert max(moving["no-preference"]) > 0.05, moving


def _every_kind(route: Route) -> None:
    response = route.fetch()
    answer = response.json()
    kinds = {"A": "AVAILABLE", "B": "SOLD", "C": "HELD"}
    for seat in answer["seats"]:
        seat["status"] = kinds.get(seat["letter"], "AVAILABLE")
    route.fulfill(response=response, json=answer)
