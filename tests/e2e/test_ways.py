"""The whole way with nothing but a keyboard, and with nothing but a thumb."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.conftest import Row, Visitors
from tests.e2e.visitor import CONFIRMED, HELD, PHONE_PX, Visitor

_TABS_MAX = 60
_FOCUS = """() => {
  const one = document.activeElement;
  const box = one.getBoundingClientRect();
  const isOutlined = (node) => {
    const style = getComputedStyle(node);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  };
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const parts = [one, ...(one.labels ?? [])];
  const isOnTop = parts.some((part) => part.contains(top));
  // The button inside a date field is the browser's own, and so is its outline.
  const isSeen = parts.some(isOutlined) || one.type === "date";
  return { what: one.outerHTML.slice(0, 200), isSeen, isOnTop };
}"""
_WIDTH = "() => document.documentElement.scrollWidth"


def test_a_booking_can_be_made_with_the_keyboard_alone(olena: Visitor, row: Row) -> None:
    """From the skip link to the confirmation; the focus is seen at every stop and is never lost."""
    keyboard = olena.page.keyboard
    olena.open()
    flight = olena.page.get_by_role("link", name=re.compile("^Choose a seat, LL 701, (29 June|24 December)"))
    expect(flight.first).to_be_visible()
    keyboard.press("Tab")
    expect(olena.page.get_by_role("link", name="Skip to content")).to_be_focused()
    keyboard.press("Enter")
    expect(olena.heading("Find a flight")).to_be_focused()
    _tab_to(olena, olena.page.locator(f"a[href='#/flights/{row.flight_id}']"))
    keyboard.press("Enter")
    expect(olena.heading("Choose a seat")).to_be_focused()
    expect(olena.seats).to_be_visible()
    _tab_to(olena, olena.seats.locator("button[tabindex='0']"))
    keyboard.press("Control+Home")
    for _ in range(row.number):
        if not _is_focused(olena.seat(row["A"])):
            keyboard.press("ArrowDown")
    expect(olena.seat(row["A"])).to_be_focused()
    _see_focus(olena)
    keyboard.press("Enter")
    expect(olena.page.get_by_role("heading", level=2, name=f"Seat {row['A']}")).to_be_focused()
    for field, text in [("Full name", "Олена Шевченко"), ("E-mail", "olena@example.com")]:
        _tab_to(olena, olena.field(field))
        keyboard.type(text)
    _tab_to(olena, olena.field("Bags"))
    keyboard.press("ArrowDown")
    expect(olena.field("Bags")).to_have_value("1")
    _tab_to(olena, olena.button("Hold seat {seat}", seat=row["A"]))
    keyboard.press("Enter")
    expect(olena.status).to_have_text(HELD)
    expect(olena.heading("Booking {ref}", ref=olena.ref)).to_be_focused()
    _tab_to(olena, olena.page.get_by_role("radio", name="Card that is approved"))
    keyboard.press("ArrowDown")
    keyboard.press("ArrowUp")
    expect(olena.page.get_by_role("radio", name="Card that is approved")).to_be_checked()
    _tab_to(olena, olena.pay_button)
    keyboard.press("Enter")
    expect(olena.status).to_have_text(CONFIRMED)
    assert olena.page.evaluate("document.activeElement !== document.body"), "the focus is lost"
    _tab_to(olena, olena.page.get_by_role("switch"))
    keyboard.press("Space")
    expect(olena.page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    _tab_to(olena, olena.button("Cancel booking"), "Shift+Tab")
    keyboard.press("Enter")
    dialog = olena.page.get_by_role("dialog")
    _tab_to(olena, dialog.get_by_role("button", name="Keep it"))
    keyboard.press("Escape")
    expect(olena.button("Cancel booking")).to_be_focused()


@pytest.mark.screenshots
def test_a_booking_can_be_made_on_a_phone(visitor: Visitors, row: Row) -> None:
    """By touch on a small screen; nothing is wider than the screen, seats are big enough for a thumb, and all of it
    still fits where a screen is only 320 pixels wide."""
    olena = visitor(viewport=PHONE_PX, is_mobile=True, has_touch=True, device_scale_factor=2)
    olena.open()
    olena.page.locator(f"a[href='#/flights/{row.flight_id}']").tap()
    expect(olena.seats).to_be_visible()
    boxes = [button.bounding_box() for button in olena.seats.get_by_role("button").all()[:12]]
    assert all(box and box["width"] >= 32 and box["height"] >= 32 for box in boxes), boxes
    _check_width(olena)
    olena.seat(row["C"]).tap()
    expect(olena.page.get_by_role("heading", level=2, name=f"Seat {row['C']}")).to_be_in_viewport()
    olena.fill_in(bags=1)
    _check_width(olena)
    olena.button("Hold seat {seat}", seat=row["C"]).tap()
    expect(olena.status).to_have_text(HELD)
    _check_width(olena)
    olena.picture("phone")
    olena.page.get_by_text("Card that is approved").tap()
    olena.pay_button.tap()
    expect(olena.status).to_have_text(CONFIRMED)
    olena.page.get_by_role("switch").tap()
    _check_width(olena)
    olena.open("/bookings")
    expect(olena.heading("My bookings")).to_be_visible()
    _check_width(olena)
    olena.open()
    expect(olena.heading("Find a flight")).to_be_visible()
    _check_width(olena)


@pytest.mark.parametrize("route", ["/", "/flights/KBP-LIS-0617", "/bookings"])
def test_text_of_twice_the_size_fits(olena: Visitor, route: str) -> None:
    """No page has to be pushed sideways to be read."""
    olena.open(route)
    expect(olena.main.get_by_role("heading", level=1)).to_be_visible()
    olena.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert olena.page.evaluate(_WIDTH) <= 1280


def _tab_to(visitor: Visitor, target: Locator, key: str = "Tab") -> None:
    """Tabs on until it has the focus, which must be seen at every stop on the way."""
    expect(target).to_be_visible()
    for _ in range(_TABS_MAX):
        if _is_focused(target):
            return
        visitor.page.keyboard.press(key)
        _see_focus(visitor)
    pytest.fail(f"{_TABS_MAX} tabs don't lead to {target}")


def _is_focused(target: Locator) -> bool:
    return bool(target.evaluate("(one) => one === document.activeElement"))


def _see_focus(visitor: Visitor) -> None:
    focus = visitor.page.evaluate(_FOCUS)
    assert focus["isSeen"], f"nothing shows the focus: {focus['what']}"
    assert focus["isOnTop"], f"the focus is covered: {focus['what']}"


def _check_width(visitor: Visitor) -> None:
    assert visitor.page.evaluate(_WIDTH) <= PHONE_PX["width"]
    visitor.page.set_viewport_size({"width": 320, "height": 640})
    assert visitor.page.evaluate(_WIDTH) <= 320
    visitor.page.set_viewport_size(PHONE_PX)
