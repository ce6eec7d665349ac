"""The search: what is found, what is not, and that it is all in the address."""

import re

from playwright.sync_api import Route, expect

from tests.e2e.visitor import Visitor

CHOOSE = re.compile(r"^Choose a seat, LL 701, \d+ (June|December) \d{4}$")


def test_the_flights_of_the_usual_route_are_there_at_once(olena: Visitor) -> None:
    """Four flights from Kyiv to Barcelona, each with what a customer chooses by."""
    olena.open()
    expect(olena.heading("Find a flight")).to_be_visible()
    flights = olena.page.get_by_role("list", name="Flights")
    expect(flights.get_by_role("link", name=CHOOSE)).to_have_count(4)
    for words in ("LL 701", "10:40", "13:20", "Boeing 737-800", "3h 40m", "15 June"):
        expect(flights).to_contain_text(words)
    expect(olena.page).to_have_title("Find a flight · Leleka")


def test_a_search_is_in_the_address(olena: Visitor) -> None:
    """Back, forward and a reload show the search again, with its form filled in as it was."""
    olena.open()
    olena.field("To").select_option("WAW")
    olena.button("Search").click()
    link = olena.page.get_by_role("link", name=re.compile("^Choose a seat, LL 811, 16 June"))
    link.click()
    expect(olena.heading("Choose a seat")).to_be_focused()
    olena.page.go_back()
    expect(olena.field("To")).to_have_value("WAW")
    expect(link).to_be_visible()
    olena.page.reload()
    expect(olena.field("To")).to_have_value("WAW")
    expect(link).to_be_visible()
    olena.page.go_back()
    expect(olena.field("To")).to_have_value("BCN")
    olena.page.go_forward()
    expect(link).to_be_visible()


def test_a_day_without_a_flight_leads_to_days_that_have_one(olena: Visitor) -> None:
    """It says so, and offers the nearest days; a route that nobody flies has none to offer."""
    olena.open()
    year = str(olena.page.get_by_role("link", name=re.compile("15 June")).get_attribute("aria-label")).split()[-1]
    olena.field("Date").fill(f"{year}-06-16")
    olena.button("Search").click()
    expect(olena.main.get_by_text(f"There is no flight from Kyiv to Barcelona on 16 June {year}.")).to_be_visible()
    olena.button(f"15 June {year}").click()
    expect(olena.page.get_by_role("link", name=CHOOSE)).to_have_count(1)
    expect(olena.field("Date")).to_have_value(f"{year}-06-15")
    olena.field("From").select_option("LWO")
    olena.field("Date").fill("")
    olena.button("Search").click()
    expect(olena.main.get_by_text("There are no flights from Lviv to Barcelona.")).to_be_visible()


def test_a_server_that_is_busy_is_asked_again(olena: Visitor) -> None:
    """After the time that it named, without the customer's doing anything."""
    olena.guard.allow_answer(503)
    answers = [503]

    def busy_once(route: Route) -> None:
        if not answers:
            return route.continue_()
        problem = {"type": "urn:leleka:problem:unavailable", "title": "Busy", "status": answers.pop()}
        return route.fulfill(status=503, json=problem, headers={"Retry-After": "1"})

    olena.page.route("**/flights?*", busy_once)
    olena.open()
    expect(olena.page.get_by_role("link", name=CHOOSE)).to_have_count(4)
    assert answers == []


def test_an_address_that_leads_nowhere_says_so(olena: Visitor) -> None:
    """A flight that isn't there and a route that isn't known: words, and a way on."""
    olena.guard.allow_answer(404)
    for route in ("/flights/KBP-BCN-0101", "/nothing"):
        olena.open(route)
        expect(olena.page.get_by_role("button", name="Try again")).to_be_visible()
        olena.page.get_by_role("link", name="Find a flight").click()
        expect(olena.heading("Find a flight")).to_be_visible()
