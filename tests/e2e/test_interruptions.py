"""What goes wrong on the customer's side: reloads, the back button, a lost network, a second click, a second tab."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect

from leleka.stage import Stage
from tests.e2e.conftest import Known, Row, Visitors
from tests.e2e.visitor import CONFIRMED, HELD, Visitor
from tests.functional.customer import Customer
from tests.promises import Promises

type Customers = Callable[[], Customer]
type Count = Callable[[Row, str], int]
BOOKINGS = re.compile(r"/bookings$")


class Orders:
    """The requests for a seat that a page sends, and what becomes of them on their way."""

    def __init__(self, visitor: Visitor, *fates: str) -> None:
        """``fates``, one a request: "lost" never arrives, "unanswered" arrives and its answer is lost, "silent" arrives
        and nothing comes back at all. All others pass."""
        self.keys: list[str] = []
        self._fates = list(fates)
        visitor.page.context.route(BOOKINGS, self._on)

    def _on(self, route: Route) -> None:
        if route.request.method != "POST":
            return route.fallback()
        self.keys.append(route.request.headers["idempotency-key"])
        fate = self._fates.pop(0) if self._fates else "passes"
        if fate in {"unanswered", "silent"}:
            route.fetch()
        if fate in {"lost", "unanswered"}:
            return route.abort("connectionreset")
        return None if fate == "silent" else route.continue_()


@pytest.fixture
def bookings_of(stage: Stage) -> Callable[[Row, str], int]:
    """How many bookings the table has for a seat."""
    promises = Promises(stage)

    def count(row: Row, seat: str) -> int:
        rows = promises.rows("BookingsTable")
        return sum(1 for booking in rows if (booking["flight_id"], booking["seat"]) == (row.flight_id, seat))

    return count


@pytest.mark.parametrize("fates", [["unanswered"], ["lost", "unanswered", "lost", "lost"]])
def test_a_request_whose_answer_is_lost_is_sent_again(
    olena: Visitor, row: Row, fates: list[str], bookings_of: Count
) -> None:
    """With the same key, until there is an answer: one booking, whether the first one had arrived or not."""
    olena.guard.allow_lost_network()
    orders = Orders(olena, *fates)
    olena.book(row.flight_id, row["A"])
    assert len(orders.keys) == len(fates) + 1
    assert len(set(orders.keys)) == 1
    assert bookings_of(row, row["A"]) == 1


def test_a_payment_whose_answer_is_lost_is_charged_once(olena: Visitor, row: Row, customer: Customers) -> None:
    """The page doesn't know whether it arrived, says so, looks, and goes on."""
    olena.guard.allow_lost_network()
    olena.book(row.flight_id, row["A"], bags=0)
    lost: list[str] = []

    def lose(route: Route) -> None:
        if lost:
            return route.continue_()
        lost.append(route.request.url)
        route.fetch()
        return route.abort("connectionreset")

    olena.page.route("**/payment", lose)
    olena.pay()
    expect(olena.status).to_have_text(CONFIRMED)
    assert lost
    (secret,) = _secrets(olena.kept())
    assert customer().get(f"/bookings/{olena.ref}", secret).json()["amount_minor"] == 5490


def test_a_network_that_is_lost_comes_back(olena: Visitor, row: Row, bookings_of: Count) -> None:
    """The page says so, keeps the request, and goes on by itself."""
    olena.guard.allow_lost_network()
    olena.open_seats(row.flight_id)
    olena.choose_seat(row["A"])
    olena.fill_in()
    olena.page.context.set_offline(True)
    offline = olena.page.get_by_role("status").filter(has_text="No connection")
    expect(offline).to_be_visible()
    olena.button("Hold seat {seat}", seat=row["A"]).click()
    olena.page.context.set_offline(False)
    expect(olena.status).to_have_text(HELD)
    expect(offline).to_have_count(0)
    assert bookings_of(row, row["A"]) == 1


def test_a_server_that_is_silent_is_noticed(olena: Visitor) -> None:
    """Also when the browser believes that it has a network; the seat map stays, and follows the sale again when the
    server is back."""
    olena.guard.allow_lost_network()
    olena.open_seats("KBP-LIS-0617")
    offline = olena.page.get_by_role("status").filter(has_text="No connection")
    olena.page.route("**/*", lambda route: route.abort("connectionrefused"))
    expect(offline).to_be_visible()
    expect(olena.seat("20A")).to_be_visible()
    olena.page.unroute_all()
    expect(offline).to_have_count(0)


def test_a_reload_before_the_answer_loses_nothing(olena: Visitor, row: Row, bookings_of: Count) -> None:
    """The request was kept before it was sent; the page that is loaded next sends it again and shows its booking."""
    orders = Orders(olena, "silent")
    olena.open_seats(row.flight_id)
    olena.choose_seat(row["A"])
    olena.fill_in()
    with olena.page.expect_request(BOOKINGS):
        olena.button("Hold seat {seat}", seat=row["A"]).click()
    assert "olena@example.com" in str(olena.kept())
    olena.page.reload()
    expect(olena.status).to_have_text(HELD)
    assert len(set(orders.keys)) == 1
    assert len(orders.keys) == 2
    assert bookings_of(row, row["A"]) == 1
    assert "olena@example.com" not in str(olena.kept()), "personal data outlives its request"


def test_the_back_button_makes_no_second_booking(olena: Visitor, row: Row, bookings_of: Count) -> None:
    """It leads to the seats, of which this one is the customer's own now; forward is the booking again, and so is a
    reload."""
    ref = olena.book(row.flight_id, row["A"])
    olena.page.go_back()
    expect(olena.seat(row["A"])).to_have_accessible_name(f"Seat {row['A']}, window, yours")
    olena.seat(row["A"]).click()
    expect(olena.button("Hold seat {seat}", seat=row["A"])).to_have_count(0)
    olena.page.go_forward()
    expect(olena.heading("Booking {ref}", ref=ref)).to_be_visible()
    olena.page.reload()
    expect(olena.status).to_have_text(HELD)
    assert bookings_of(row, row["A"]) == 1


def test_a_second_click_does_nothing_more(olena: Visitor, row: Row, bookings_of: Count) -> None:
    """Neither on Hold nor on Pay nor on Cancel."""
    sent: list[str] = []
    olena.page.on("request", lambda request: sent.append(_kind(request)))
    olena.open_seats(row.flight_id)
    olena.choose_seat(row["A"])
    olena.fill_in(bags=0)
    olena.button("Hold seat {seat}", seat=row["A"]).dblclick()
    expect(olena.status).to_have_text(HELD)
    olena.pay_button.dblclick()
    expect(olena.status).to_have_text(CONFIRMED)
    olena.button("Cancel booking").click()
    olena.page.get_by_role("dialog").get_by_role("button", name="Cancel booking", exact=True).dblclick()
    expect(olena.status).to_have_text(re.compile("^Cancelled"))
    assert [kind for kind in sent if kind != "GET"] == ["POST bookings", "POST payment", f"DELETE {olena.ref}"]
    assert bookings_of(row, row["A"]) == 1


def test_two_tabs_show_one_booking(olena: Visitor, row: Row) -> None:
    """What is done in one is seen in the other, without a reload."""
    ref = olena.book(row.flight_id, row["A"])
    second = _tab(olena)
    second.open("/bookings")
    second.main.get_by_role("link", name=re.compile(ref)).click()
    expect(second.status).to_have_text(HELD)
    second.cancel()
    expect(second.status).to_have_text(re.compile("^Cancelled"))
    expect(olena.status).to_have_text(re.compile("^Cancelled"))


def test_two_tabs_with_one_lost_answer_make_one_booking(olena: Visitor, row: Row, bookings_of: Count) -> None:
    """Both send the request that was kept; it is the same request."""
    orders = Orders(olena, "silent")
    olena.open_seats(row.flight_id)
    olena.choose_seat(row["A"])
    olena.fill_in()
    with olena.page.expect_request(BOOKINGS):
        olena.button("Hold seat {seat}", seat=row["A"]).click()
    second = _tab(olena)
    second.open()
    expect(second.status).to_have_text(HELD)
    olena.page.reload()
    olena.open(f"/bookings/{second.ref}")
    expect(olena.status).to_have_text(HELD)
    assert len(set(orders.keys)) == 1
    assert bookings_of(row, row["A"]) == 1


def test_link_and_secret_open_a_booking_anywhere(visitor: Visitors, held: Known) -> None:
    """In a browser that never saw it, by its own address or by the form, and the browser can tell the secret from then
    on; a wrong secret opens nothing and says no more than for a booking that isn't there."""
    olena = visitor()
    olena.guard.allow_answer(404)
    said = []
    for ref in (held.ref, "ZZZZZZ"):
        olena.open(f"/bookings/{ref}")
        olena.field("Secret").fill("a" * len(held.secret))
        olena.button("Open booking").click()
        alert = olena.main.get_by_role("alert")
        expect(alert).to_have_text(re.compile(r"\w"))
        said.append(alert.inner_text().replace(ref, "…"))
    assert said[0] == said[1]
    olena.open_booking(held.ref, held.secret)
    expect(olena.status).to_have_text(HELD)
    expect(olena.main).not_to_contain_text(held.secret)
    olena.button("Show secret").click()
    expect(olena.main).to_contain_text(held.secret)
    elsewhere = visitor()
    elsewhere.open("/bookings")
    elsewhere.field("Record locator").fill(held.ref.lower())
    elsewhere.field("Secret").fill(held.secret)
    elsewhere.button("Open booking").click()
    expect(elsewhere.heading("Booking {ref}", ref=held.ref)).to_be_visible()
    expect(elsewhere.status).to_have_text(HELD)
    assert held.secret not in elsewhere.page.url


def _kind(request: Request) -> str:
    return "GET" if request.method == "GET" else f"{request.method} {request.url.rpartition('/')[2]}"


def _tab(visitor: Visitor) -> Visitor:
    page: Page = visitor.page.context.new_page()
    return Visitor(page, visitor.guard, visitor.base_url)


def _secrets(kept: dict[str, str]) -> list[str]:
    return re.findall(r'"secret":"(\w+)"', "".join(kept.values()))
