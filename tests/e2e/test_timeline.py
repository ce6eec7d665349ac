"""The steps of the saga on the booking page: live for the customer, in full for engineers."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import Known, Row
from tests.e2e.visitor import DECLINED, Visitor

INTERNAL = re.compile(r"arn:aws|CardDeclined|compensation|ReleaseSeat")


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
