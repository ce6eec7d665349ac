"""The steps of the saga on the booking page: live for the customer, in full for engineers."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Route, expect

from tests.e2e.conftest import Known, Row
from tests.e2e.visitor import DECLINED, Visitor

INTERNAL = re.compile(r"arn:aws|CardDeclined|compensation|ReleaseSeat")
type Step = dict[str, Any]


def test_engineers_see_what_customers_need_not(olena: Visitor, rolled_back: Known) -> None:
    """State names, roles, errors, attempts, times and the execution; the choice outlives a reload."""
    olena.open_booking(rolled_back.ref, rolled_back.secret)
    expect(olena.step("NotifyCancelled", "succeeded")).to_be_visible()
    expect(olena.main).not_to_contain_text(INTERNAL)
    expect(olena.step("ProcessPayment", "failed")).to_contain_text("the card was declined")
    switch = olena.page.get_by_role("switch", name=re.compile("^Engineer.s view$"))
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(switch).to_be_focused()
    expect(olena.step("ProcessPayment", "failed")).to_contain_text("CardDeclined")
    expect(olena.step("ReleaseSeat", "succeeded")).to_contain_text(
        re.compile(r"ReleaseSeat.*compensation.*\d\d:\d\d:\d\d")
    )
    expect(olena.main).to_contain_text(re.compile(r"arn:aws:states:[^ ]+:execution:[^ ]+"))
    expect(olena.main).to_contain_text("FAILED")
    olena.page.reload()
    expect(olena.page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    expect(olena.step("ProcessPayment", "failed")).to_contain_text("CardDeclined")


def test_the_timeline_is_written_on_while_something_moves(olena: Visitor, row: Row) -> None:
    """While the customer has time the page asks each five seconds, and not at all when all is final; a step that is
    there stays the same element while others join it, so nobody who reads it loses the place."""
    olena.page.clock.install()
    olena.book(row.flight_id, row["A"])
    olena.page.wait_for_load_state("networkidle")
    asked: list[str] = []
    olena.page.on("request", lambda request: asked.append(request.url))
    for _ in range(2):
        with olena.page.expect_response("**/saga"):
            olena.page.clock.run_for(5100)
        olena.page.wait_for_load_state("networkidle")
        asked.clear()
        olena.page.clock.run_for(3000)
        assert asked == []
    marked: int = olena.timeline.evaluate(
        "(list) => { [...list.children].forEach((li, i) => { li.dataset.mark = i; }); return list.children.length; }"
    )
    olena.pay(DECLINED)
    expect(olena.step("NotifyCancelled", "succeeded")).to_be_visible()
    expect(olena.status).to_have_text(olena.cancelled("the card was declined"))
    marks = olena.timeline.locator("li").evaluate_all("all => all.map((li) => li.dataset.mark)")
    assert marks[:marked] == [str(index) for index in range(marked)]
    assert set(marks[marked:]) == {None}
    olena.page.wait_for_load_state("networkidle")
    olena.page.clock.run_for(3000)
    asked.clear()
    olena.page.clock.run_for(120_000)
    assert asked == []


def test_trouble_on_the_way_is_told_in_words(olena: Visitor, held: Known) -> None:
    """A step that is tried again, one that gets no answer, one that waits, and the way back while it is gone: how
    often, how long and why, for customers and for engineers."""
    told: list[Step] = []

    def tell(route: Route) -> None:
        response = route.fetch()
        document = response.json()
        saga = {**document["executions"][0], "steps": told}
        booking = {**document["booking"], "status": "PENDING"}
        route.fulfill(response=response, json={"booking": booking, "executions": [saga]})

    olena.page.route("**/saga", tell)
    begun = _step("CreateBooking", "succeeded", duration_s=0.34)
    told[:] = [begun, _step("ReserveSeat", "retrying", attempts=2, error="StoreBusy")]
    olena.open_booking(held.ref, held.secret)
    expect(olena.step("CreateBooking", "succeeded")).to_have_text(re.compile(r"done\s*0\.3s\s*$"))
    retried = olena.step("ReserveSeat", "retrying")
    expect(retried).to_contain_text("trying again, 2 tries")
    expect(retried).to_contain_text("too many bookings at the same moment")

    seat = _step("ReserveSeat", "succeeded", attempts=3, duration_s=4.26)
    unanswered = _step("ProcessPayment", "unanswered", error="States.Timeout", duration_s=300.0)
    waiting = _step("ProcessPayment", "waiting", attempts_before=1, entered_before_s=600)
    renewed = _step("RenewSeatLock", "succeeded", duration_s=0.2)
    told[:] = [begun, seat, unanswered, renewed, waiting]
    expect(olena.step("ReserveSeat", "succeeded")).to_have_text(re.compile(r"done, 3 tries\s*4\.3s\s*$"))
    expect(olena.step("ProcessPayment", "unanswered")).to_have_text(re.compile(r"no answer yet, asked again\s*5m\s*$"))
    expect(olena.step("ProcessPayment", "waiting")).to_have_text(
        re.compile(r"waiting for the answer, 2 tries\s*1\dm\s*$")
    )
    olena.page.get_by_role("switch").click()
    expect(olena.step("ProcessPayment", "waiting")).to_contain_text("attempts: 1 + 1")

    undone = _step("ReserveSeat", "compensated", attempts=3, duration_s=4.26)
    declined = _step("ProcessPayment", "failed", attempts_before=1, error="CardDeclined", duration_s=0.7)
    undoing = _step("ReleaseSeat", "running", role="compensation", entered_before_s=600)
    told[:] = [begun, undone, unanswered, renewed, declined, undoing]
    expect(olena.status).to_have_text("Undoing the booking: the card was declined…")
    expect(olena.step("ReserveSeat", "compensated")).to_contain_text("undone, 3 tries")
    expect(olena.step("ReleaseSeat", "running")).to_contain_text(re.compile(r"under way\s*1\dm"))
    assert olena.steps() == [str(step["name"]) for step in told]


def _step(name: str, state: str, *, entered_before_s: int = 0, **facts: object) -> Step:
    """A step as the API tells it."""
    entered = datetime.now(UTC) - timedelta(seconds=entered_before_s)
    usual = {"role": "forward", "attempts": 1, "attempts_before": 0, "error": None, "duration_s": None}
    return {"name": name, "state": state, "entered_at": f"{entered:%Y-%m-%dT%H:%M:%S}.000Z", **usual, **facts}
