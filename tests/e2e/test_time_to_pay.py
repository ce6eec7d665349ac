"""The time to pay: counted by the server's clock, said at a few moments, and over when it is over."""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from email.utils import formatdate

import pytest
from playwright.sync_api import Page, Route, expect

from leleka.stage import Stage
from tests.e2e.conftest import Known, Row
from tests.e2e.visitor import HELD, Visitor

SAID_AT = {600: "10 minutes", 300: "5 minutes", 120: "2 minutes", 60: "1 minute", 30: "30 seconds", 10: "10 seconds"}
HOLD_S = 6
_TICK_MS = 1500
_LISTEN = """() => {
  window.said = [];
  const listen = (records) => {
    for (const { addedNodes } of records) addedNodes.forEach((node) => said.push(node.textContent));
  };
  for (const region of document.querySelectorAll("[aria-live=polite], [aria-live=assertive]")) {
    new MutationObserver(listen).observe(region, { childList: true, subtree: true, characterData: true });
  }
}"""


class _Later:
    """One clock for the page and for the server, which stands still until it is moved."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._hold_ends = ""
        self._now_s = time.time()
        page.clock.install(time=self._now_s - 60)  # it runs until it is paused, which must not be in its past
        page.clock.pause_at(self._now_s)
        page.route(re.compile("/(bookings|flights)"), self._on)

    def _on(self, route: Route) -> None:
        response = route.fetch()
        if route.request.url.endswith("/saga"):
            self._hold_ends = response.json()["booking"]["hold_expires_at"]
        date = {"date": formatdate(self._now_s, usegmt=True)}
        route.fulfill(response=response, headers={**response.headers, **date})

    def go_to(self, left_s: float) -> None:
        """To the moment at which so much of the hold is left."""
        hold_ends_s = datetime.fromisoformat(self._hold_ends).timestamp()
        ahead_ms = round((hold_ends_s - left_s) * 1000) - int(self._page.evaluate("Date.now()"))
        self._now_s = hold_ends_s - left_s
        self._page.clock.fast_forward(ahead_ms - _TICK_MS)
        self._page.clock.run_for(_TICK_MS)  # the page draws


def test_the_time_to_pay_is_said_at_a_few_moments_only(olena: Visitor, held: Known) -> None:
    """Ten, five, two minutes, one, thirty and ten seconds before the end, once each; in the last two minutes it is also
    seen in words, not only in colour."""
    later = _Later(olena.page)
    olena.open_booking(held.ref, held.secret)
    expect(olena.status).to_have_text(HELD)
    olena.page.evaluate(_LISTEN)
    timer = olena.page.get_by_role("timer")
    warning = olena.main.get_by_text("Less than two minutes left")
    heard: list[str] = []
    for left_s, words in SAID_AT.items():
        later.go_to(left_s + 5)
        assert olena.page.evaluate("said") == heard
        expect(warning).to_have_count(1 if left_s < 120 else 0)
        later.go_to(left_s - 0.1)
        expect(timer).to_have_text(f"{left_s // 60}:{left_s % 60:02d}")
        said = olena.page.evaluate("said")
        assert len(said) == len(heard) + 1, said
        assert words in said[-1]
        heard = said


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wrong_clock_of_the_customer_changes_nothing(olena: Visitor, held: Known, hours: int) -> None:
    """Ahead or behind: the countdown follows the server."""
    olena.page.clock.install(time=time.time() + hours * 3600)
    olena.open_booking(held.ref, held.secret)
    expect(olena.status).to_have_text(HELD)
    minutes, seconds = olena.page.get_by_role("timer").inner_text().split(":")
    assert int(minutes) * 60 + int(seconds) == pytest.approx(held.hold_ends_s - time.time(), abs=3)


def test_a_hidden_tab_asks_nothing(olena: Visitor, row: Row) -> None:
    """It rests while nobody looks, and asks at once when it is shown again."""
    olena.page.clock.install()
    olena.page.add_init_script(
        "window.isHidden = false; Object.defineProperty(document, 'hidden', { get: () => window.isHidden });"
    )
    olena.open_seats(row.flight_id)
    asked: list[str] = []
    olena.page.on("request", lambda request: asked.append(request.url))
    _turn(olena, hidden=True)
    asked.clear()
    olena.page.clock.run_for(30_000)
    assert asked == []
    with olena.page.expect_request("**/seats"):
        _turn(olena, hidden=False)


@pytest.fixture(scope="module")
def short_holds(stage: Stage) -> Iterator[None]:
    """Holds of some seconds: a setting of the one function that begins them, so nothing else has to be deployed."""
    awslambda = stage.aws.client("lambda")
    pages = awslambda.get_paginator("list_functions").paginate()
    functions = [function for page in pages for function in page["Functions"]]
    found = next(function for function in functions if "ReserveSeat" in function["FunctionName"])
    name, usual = found["FunctionName"], found["Environment"]["Variables"]
    waiter = awslambda.get_waiter("function_updated_v2")
    short = {**usual, "HOLD_TTL_S": str(HOLD_S)}
    awslambda.update_function_configuration(FunctionName=name, Environment={"Variables": short})
    waiter.wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    yield
    awslambda.update_function_configuration(FunctionName=name, Environment={"Variables": usual})
    waiter.wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


@pytest.mark.usefixtures("short_holds")
def test_a_hold_that_nobody_pays_ends_before_the_customers_eyes(olena: Visitor, row: Row) -> None:
    """The page says that the time is over, shows what is undone, and leads back to the seat."""
    olena.open_seats(row.flight_id)
    olena.choose_seat(row["A"])
    olena.fill_in()
    olena.button("Hold seat {seat}", seat=row["A"]).click()
    expect(olena.status).to_have_text(olena.cancelled("the time to pay was over"), timeout=60_000)
    expect(olena.page.get_by_role("timer")).to_have_count(0)
    expect(olena.pay_button).to_have_count(0)
    for name in ("ReleaseBaggage", "ReleaseSeat", "CancelBooking"):
        expect(olena.step(name, "succeeded")).to_be_visible()
    olena.page.get_by_role("link", name="Choose another seat").click()
    expect(olena.seat(row["A"])).to_have_accessible_name(re.compile("available"))


def _turn(visitor: Visitor, *, hidden: bool) -> None:
    visitor.page.evaluate(
        "(hidden) => { window.isHidden = hidden; document.dispatchEvent(new Event('visibilitychange')); }", hidden
    )
