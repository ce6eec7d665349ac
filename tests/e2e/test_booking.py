"""Bookings from the search to their end, as customers make them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.conftest import Row, Visitors
from tests.e2e.visitor import CONFIRMED, DECLINED, HELD, SLOW, Visitor
from tests.functional.customer import Customer

type Customers = Callable[[], Customer]
DAYS = {"KBP-BCN-0629": "29 June", "KBP-BCN-1224": "24 December"}
SAGA = ["CreateBooking", "ValidateFlight", "ReserveSeat", "ReserveBaggage", "CalculatePrice", "NotifyHeld"]
PAID = ["AwaitPaymentMethod", "TakePaymentMethod", "RenewSeatLock", "ProcessPayment", "ConfirmSeat", "ConfirmBooking"]
ROLLBACK = ["ReleaseBaggage", "ReleaseSeat", "CancelBooking"]


@pytest.mark.screenshots
def test_a_seat_is_found_held_paid_and_confirmed(olena: Visitor, customer: Customers, row: Row) -> None:
    """The whole way; the page says at each point how the booking stands, and so does the API."""
    taras = customer()
    taras.book(row["B"], flight_id=row.flight_id)
    taras_held = taras.book(row["D"], method=None, flight_id=row.flight_id)["booking_id"]
    olena.open()
    choice = olena.page.get_by_role("link", name=re.compile(f"^Choose a seat, LL 701, {DAYS[row.flight_id]} "))
    expect(choice).to_be_visible()
    olena.picture("search")
    choice.click()
    expect(olena.heading("Choose a seat")).to_be_focused()
    olena.choose_seat(row["A"])
    olena.fill_in(bags=2)
    expect(olena.seat(row["B"])).to_have_accessible_name(f"Seat {row['B']}, middle, taken")
    expect(olena.seat(row["D"])).to_have_accessible_name(f"Seat {row['D']}, aisle, held by another customer")
    olena.picture("seats")
    expect(olena.page.get_by_role("table").filter(has_text="Total")).to_contain_text("€104.90")
    ref = olena.hold(row["A"])
    expect(olena.heading("Booking {ref}", ref=ref)).to_be_visible()
    expect(olena.page.get_by_role("timer")).to_have_text(re.compile(r"\b1[45]:\d\d\b"))
    expect(olena.pay_button).to_have_text("Pay €104.90")
    expect(olena.step("AwaitPaymentMethod", "waiting")).to_be_visible()
    assert olena.steps() == [*SAGA, "AwaitPaymentMethod"]
    olena.picture("held")
    olena.pay()
    expect(olena.status).to_have_text(CONFIRMED)
    for name in SAGA + PAID:
        expect(olena.step(name, "succeeded")).to_be_visible()
    expect(olena.page.get_by_role("timer")).to_have_count(0)
    olena.picture("confirmed")
    expect(olena.page.get_by_role("link", name=re.compile("^My bookings 1$"))).to_be_visible()
    olena.open_seats(row.flight_id)
    expect(olena.seat(row["A"])).to_have_accessible_name(f"Seat {row['A']}, window, yours")
    assert taras.seat_status(row["A"], row.flight_id) == "SOLD"
    taras.cancel(taras_held)
    assert taras.outcome(taras_held)["status"] == "CANCELLED"


@pytest.mark.screenshots
def test_a_declined_card_is_rolled_back_before_the_customers_eyes(olena: Visitor, row: Row) -> None:
    """What was done is undone in reverse, step by step in the timeline; the seat is free again and one click away."""
    olena.book(row.flight_id, row["B"])
    olena.pay(DECLINED)
    expect(olena.status).to_have_text(olena.cancelled("the card was declined"))
    for name in ROLLBACK:
        expect(olena.step(name, "succeeded")).to_be_visible()
    assert [name for name in olena.steps() if name in ROLLBACK] == ROLLBACK
    expect(olena.step("ProcessPayment", "failed")).to_be_visible()
    for name in ("CreateBooking", "ReserveSeat", "ReserveBaggage"):
        expect(olena.step(name, "compensated")).to_be_visible()
    expect(olena.step("NotifyCancelled", "succeeded")).to_be_visible()
    olena.picture("rolled-back", height_px=1060)
    olena.page.emulate_media(color_scheme="dark")
    olena.page.get_by_role("switch").click()
    olena.picture("dark")
    olena.page.get_by_role("link", name="Choose another seat").click()
    expect(olena.seat(row["B"])).to_have_accessible_name(f"Seat {row['B']}, middle, available, €54.90")


def test_a_card_without_enough_money_says_so(olena: Visitor, row: Row) -> None:
    """It isn't the same as a declined one: the customer may know what to do."""
    olena.book(row.flight_id, row["C"])
    olena.pay("Card without enough money")
    expect(olena.status).to_have_text(olena.cancelled("the account had too little money"))
    expect(olena.step("ProcessPayment", "failed")).to_contain_text("the account had too little money")


def test_a_slow_card_is_waited_for(olena: Visitor, row: Row) -> None:
    """The page says that the payment is under way, for as long as it is, also after a reload, and then that it is
    done."""
    olena.book(row.flight_id, row["A"], bags=0)
    olena.pay(SLOW)
    expect(olena.status).to_have_text("Paying…")
    expect(olena.step("ProcessPayment", "waiting")).to_be_visible()
    olena.page.reload()
    expect(olena.step("ProcessPayment", "waiting").or_(olena.step("ProcessPayment", "succeeded"))).to_be_visible()
    expect(olena.status).to_have_text(CONFIRMED)
    expect(olena.step("ProcessPayment", "succeeded")).to_be_visible()


def test_a_second_card_is_said_not_to_be_used(olena: Visitor, row: Row, customer: Customers) -> None:
    """Somebody was quicker elsewhere, with another card; that is not lost when the booking goes on with the first."""
    olena.guard.allow_answer(409)
    ref = olena.book(row.flight_id, row["A"], bags=0)
    (secret,) = re.findall(r'"secret":"(\w+)"', str(olena.kept()))
    taras = customer()

    def second(route: Route) -> None:
        assert taras.pay(ref, "pm_approved", secret).status_code == 202
        route.continue_()

    olena.page.route("**/payment", second)
    olena.pay(DECLINED)
    said = olena.main.get_by_role("alert").filter(has_text="That one is used, not this one.")
    expect(olena.status).to_have_text(CONFIRMED)
    expect(said).to_be_visible()


def test_a_held_seat_is_given_back(olena: Visitor, row: Row) -> None:
    """After a question, which Escape or "Keep it" answers with no; nothing was charged."""
    olena.book(row.flight_id, row["A"])
    dialog = olena.page.get_by_role("dialog", name="Cancel this booking?")
    olena.button("Cancel booking").click()
    expect(dialog).to_be_visible()
    olena.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(olena.button("Cancel booking")).to_be_focused()
    olena.button("Cancel booking").click()
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    expect(olena.status).to_have_text(HELD)
    olena.cancel()
    expect(olena.status).to_have_text(re.compile("^Cancelled"))
    for name in ROLLBACK:
        expect(olena.step(name, "succeeded")).to_be_visible()


def test_a_confirmed_booking_is_cancelled_and_refunded(olena: Visitor, row: Row) -> None:
    """By a saga of its own, whose steps join the others in the timeline; the page says what comes back."""
    olena.book(row.flight_id, row["A"], bags=0)
    olena.pay()
    expect(olena.status).to_have_text(CONFIRMED)
    olena.cancel()
    expect(olena.status).to_have_text(re.compile("^Cancelled"))
    expect(olena.main).to_contain_text("€54.90")
    expect(olena.step("NotifyCancelled", "succeeded")).to_be_visible()  # the history may be a look behind the booking
    assert olena.steps()[-5:] == ["RefundPayment", *ROLLBACK, "NotifyCancelled"]
    expect(olena.step("ConfirmSeat", "compensated").or_(olena.step("ReserveSeat", "compensated")).first).to_be_visible()


def test_two_customers_and_one_seat(visitor: Visitors, row: Row) -> None:
    """Both send the form in the same moment: one gets the seat, the other a kind word and the nearest free seats."""
    rivals = [visitor(), visitor()]
    for one in rivals:
        one.open_seats(row.flight_id)
        one.choose_seat(row["B"])
        one.fill_in()
    for one in rivals:
        one.button("Hold seat {seat}", seat=row["B"]).click(no_wait_after=True)
    settled = re.compile(f"^{re.escape(HELD)}$|^Cancelled")
    for one in rivals:
        expect(one.status).to_have_text(settled)
    winner, loser = sorted(rivals, key=lambda one: HELD not in one.status.inner_text())
    expect(winner.status).to_have_text(HELD)
    expect(loser.status).to_have_text(re.compile("^Cancelled: .*this seat"))
    loser.page.get_by_role("link", name="Choose another seat").click()
    expect(loser.page.get_by_role("alert")).to_have_text(f"Seat {row['B']} was taken.")
    offers = loser.main.get_by_role("list").get_by_role("button").all_text_contents()
    assert {f"Seat {row['A']}, window, €54.90", f"Seat {row['C']}, aisle, €54.90"} & set(offers), offers
    assert not any(offer.startswith(f"Seat {row['B']},") for offer in offers)


def test_a_form_that_is_not_in_order_is_not_sent(olena: Visitor, row: Row) -> None:
    """The first field that is wrong says so, in words that belong to it, and has the focus."""
    asked: list[str] = []
    olena.page.on("request", lambda request: asked.append(request.method))
    olena.open_seats(row.flight_id)
    olena.choose_seat(row["A"])
    for name, email, wrong in [
        ("", "olena@example.com", "Full name"),
        ("Олена", "olena", "E-mail"),
        ("Олена", "", "E-mail"),
    ]:
        olena.fill_in(name=name, email=email)
        olena.button("Hold seat {seat}", seat=row["A"]).click()
        expect(olena.field(wrong)).to_be_focused()
        expect(olena.field(wrong)).to_have_attribute("aria-invalid", "true")
        expect(olena.field(wrong)).to_have_accessible_description(re.compile(r"\w{3}"))
    assert "POST" not in asked
