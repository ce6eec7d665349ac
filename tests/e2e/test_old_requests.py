"""Requests and holds that time has overtaken: the page slept, was closed, or its customer went on to something else."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Route, expect

from tests.e2e.conftest import Row, Visitors
from tests.e2e.visitor import HELD, Visitor
from tests.functional.customer import Customer, eventually

type Customers = Callable[[], Customer]
BOOKINGS = re.compile(r"/bookings$")


class _Gate:
    """Lets no request for a seat pass until it is opened."""

    def __init__(self, visitor: Visitor, *, loses: bool) -> None:
        """``loses``: what comes before is lost, else it waits."""
        self.keys: list[str] = []
        self._loses = loses
        self._is_open = False
        self._waiting: list[Route] = []
        visitor.page.route(BOOKINGS, self._on)

    def open(self) -> None:
        """From now on all pass, those that wait too."""
        self._is_open = True
        while self._waiting:
            self._waiting.pop().continue_()

    def _on(self, route: Route) -> None:
        if route.request.method != "POST":
            return route.fallback()
        self.keys.append(route.request.headers["idempotency-key"])
        if self._is_open:
            return route.continue_()
        return route.abort("connectionreset") if self._loses else self._waiting.append(route)


def test_a_request_that_slept_for_days_is_not_sent_unasked(olena: Visitor, row: Row) -> None:
    """A laptop was closed over it. Opened again, the page asks first; what it then sends is the same request."""
    olena.guard.allow_lost_network()
    olena.page.clock.install()
    gate = _Gate(olena, loses=True)
    _ask(olena, row)
    expect(olena.main.get_by_text("No answer yet.")).to_be_visible()
    olena.page.clock.fast_forward("48:00:00")
    gate.open()
    question = _notice(olena, f"Some time ago you asked for seat {row['A']}")
    expect(question).to_be_visible()
    asked = len(gate.keys)
    olena.page.clock.run_for(60_000)
    assert len(gate.keys) == asked
    assert "olena@example.com" not in str(olena.kept()), "personal data is kept for longer than the server knows it"
    question.get_by_role("button", name="Ask again").click()
    expect(olena.status).to_have_text(HELD)
    assert len(set(gate.keys)) == 1


def test_a_hold_that_ended_while_no_page_was_open_is_not_yours(
    visitor: Visitors, row: Row, customer: Customers
) -> None:
    """The seat is somebody else's by now, and the map says so."""
    olena, taras = visitor(), visitor()
    ref, secret = olena.book(row.flight_id, row["A"]), _secret(olena)
    olena.page.goto("about:blank")
    _end(customer(), ref, secret)
    taras.book(row.flight_id, row["A"])
    olena.open_seats(row.flight_id)
    expect(olena.seat(row["A"])).to_have_accessible_name(re.compile("held by another customer$"))


def test_a_hold_that_ended_behind_the_open_map_is_no_reason_to_refuse(
    olena: Visitor, row: Row, customer: Customers
) -> None:
    """The seat is free again, and the customer may hold it once more, with the same words."""
    first, secret = olena.book(row.flight_id, row["A"]), _secret(olena)
    olena.page.go_back()
    expect(olena.seat(row["A"])).to_have_accessible_name(re.compile("yours$"))
    _end(customer(), first, secret)
    expect(olena.seat(row["A"])).to_have_accessible_name(re.compile("available"))
    olena.choose_seat(row["A"])
    olena.fill_in()
    assert olena.hold(row["A"]) != first


def test_an_answer_takes_nobody_away(olena: Visitor, row: Row) -> None:
    """Who has gone on to another screen stays there, and is told with a link."""
    gate = _Gate(olena, loses=False)
    _ask(olena, row)
    olena.open("/bookings")
    expect(olena.heading("My bookings")).to_be_visible()
    gate.open()
    notice = _notice(olena, f"Seat {row['A']} is held for you.")
    expect(notice).to_be_visible()
    expect(olena.heading("My bookings")).to_be_visible()
    notice.get_by_role("link").click()
    expect(olena.status).to_have_text(HELD)
    expect(notice).to_have_count(0)


def _ask(visitor: Visitor, row: Row) -> None:
    visitor.open_seats(row.flight_id)
    visitor.choose_seat(row["A"])
    visitor.fill_in()
    with visitor.page.expect_request(BOOKINGS):
        visitor.button("Hold seat {seat}", seat=row["A"]).click()


def _notice(visitor: Visitor, words: str) -> Locator:
    return visitor.page.get_by_role("alert").filter(has_text=words)


def _secret(visitor: Visitor) -> str:
    (secret,) = re.findall(r'"secret":"(\w+)"', str(visitor.kept()))
    return str(secret)


def _end(customer: Customer, ref: str, secret: str) -> None:
    """Cancels a booking, without the browser that made it."""
    assert customer.cancel(ref, secret).status_code == 202
    eventually(lambda: customer.get(f"/bookings/{ref}", secret).json()["status"] == "CANCELLED", f"{ref} does not end")
