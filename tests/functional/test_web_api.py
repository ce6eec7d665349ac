"""What a customer's page asks of the API: itself, its files, prices, and the story of a booking."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
import yaml

from chalicelib.api import pages
from leleka import deploy, local_api
from leleka.stage import Stage
from tests.functional.customer import FLIGHT, Customer, eventually
from tests.functional.test_api_bad_input import assert_problem
from tests.promises import Promises

pytestmark = pytest.mark.stack
type Customers = Callable[[], Customer]


def story(customer: Customer, booking_id: str) -> Any:
    """The document of a booking's story."""
    answer = customer.get(f"/bookings/{booking_id}/saga", customer.secrets[booking_id])
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(customer: Customer, booking_id: str, *outcomes: str) -> list[dict[str, Any]]:
    """The executions, once they stand so; the booking beside them is the one that the API tells."""

    def stands() -> bool:
        return [each["outcome"] for each in story(customer, booking_id)["executions"]] == list(outcomes)

    eventually(stands, f"the executions of {booking_id} are not {outcomes}")
    document = story(customer, booking_id)
    assert document["booking"] == customer.booking(booking_id)
    executions: list[dict[str, Any]] = document["executions"]
    return executions


def steps(execution: dict[str, Any]) -> dict[str, str]:
    """Name and state, but for choices and ends."""
    return {step["name"]: step["state"] for step in execution["steps"] if step["role"] != "control"}


def test_the_story_of_a_confirmed_booking(customer: Customers, seat: str, promises: Promises) -> None:
    """Eight steps and a notice, each with its times; by id and by record locator the same."""
    olena = customer()
    booking = olena.book(seat)
    olena.outcome(booking["booking_id"])
    [saga] = told(olena, booking["booking_id"], "SUCCEEDED")
    assert set(steps(saga).values()) == {"succeeded"}
    assert list(steps(saga))[-3:] == ["ConfirmSeat", "ConfirmBooking", "NotifyConfirmed"]
    assert (saga["kind"], saga["error"], saga["execution_id"].endswith(booking["booking_id"])) == ("saga", None, True)
    assert all(re.fullmatch(r"[0-9T:-]{19}\.[0-9]{3}Z", step["entered_at"]) for step in saga["steps"])
    assert 0 < sum(step["duration_s"] for step in saga["steps"]) <= saga["duration_s"] + 0.1
    by_locator = olena.get(f"/bookings/{booking['record_locator']}/saga", booking["secret"])
    assert by_locator.json()["executions"] == [saga]
    promises.hold()


def test_the_story_of_a_declined_card(customer: Customers, seat: str, promises: Promises) -> None:
    """What was reserved is undone by the same saga, and why is a name."""
    olena = customer()
    booking_id = olena.book(seat, "pm_declined")["booking_id"]
    olena.outcome(booking_id)
    [saga] = told(olena, booking_id, "FAILED")
    assert saga["error"] == "CardDeclined"
    found = steps(saga)
    assert (found["ProcessPayment"], found["ReserveSeat"], found["ReleaseSeat"]) == (
        "failed",
        "compensated",
        "succeeded",
    )
    assert next(step["error"] for step in saga["steps"] if step["name"] == "ProcessPayment") == "CardDeclined"
    promises.hold()


def test_the_story_of_a_booking_that_waits_and_is_then_cancelled_by_its_own_saga(
    customer: Customers, seat: str, promises: Promises
) -> None:
    """It stands at the wait; the wish to cancel ends it there. Nobody but its customer is told."""
    olena = customer()
    booking = olena.book(seat, method=None)
    booking_id = booking["booking_id"]
    olena.waiting(booking_id)
    eventually(
        lambda: steps(story(olena, booking_id)["executions"][0]).get("AwaitPaymentMethod") == "waiting", "does not wait"
    )
    for ref in (booking_id, booking["record_locator"]):
        assert_problem(olena.get(f"/bookings/{ref}/saga"), 401, None)
        assert_problem(olena.get(f"/bookings/{ref}/saga", "a" * 26), 404, None)
    assert olena.get(f"/bookings/{booking_id}/saga", "a" * 26).json() == (
        olena.get(f"/bookings/{booking_id[:-4]}2222/saga", "a" * 26).json()
    )
    olena.cancel(booking_id)
    [saga] = told(olena, booking_id, "FAILED")
    assert (saga["error"], steps(saga)["AwaitPaymentMethod"]) == ("CancelledByCustomer", "failed")
    promises.hold()


def test_the_story_of_a_booking_that_was_confirmed_and_cancelled(
    customer: Customers, seat: str, promises: Promises
) -> None:
    """Two executions; the second undid what the first had done."""
    olena = customer()
    booking_id = olena.cancelled_after_confirming(seat)
    saga, cancellation = told(olena, booking_id, "SUCCEEDED", "SUCCEEDED")
    assert (saga["kind"], cancellation["kind"]) == ("saga", "cancellation")
    assert saga["started_at"] < cancellation["started_at"]
    undone = {name for name, state in steps(saga).items() if state == "compensated"}
    assert undone == {
        *("CreateBooking", "ReserveSeat", "ReserveBaggage", "ProcessPayment", "ConfirmSeat", "ConfirmBooking")
    }
    assert steps(cancellation)["RefundPayment"] == "succeeded"
    promises.hold()


def test_a_story_tells_nothing_that_is_only_ours(stage: Stage, customer: Customers, seat: str) -> None:
    """No task token, no lock's secret, no function, table or queue of ours, no cause."""
    olena = customer()
    booking_id = olena.book(seat, method=None)["booking_id"]
    olena.waiting(booking_id)
    text = str(story(olena, booking_id))
    rows = stage.dynamodb.get_item(TableName=stage.tables["BookingsTable"], Key={"booking_id": {"S": booking_id}})
    assert rows["Item"]["lock_id"]["S"] not in text
    assert not re.search(r"token|lock_id|cause|:lambda:|:sqs:|:dynamodb:", text, re.IGNORECASE)
    olena.cancel(booking_id)
    told(olena, booking_id, "FAILED")


def test_a_seat_map_has_the_fares_that_its_prices_come_from(customer: Customers) -> None:
    """Each priced seat costs what its cabin's fare says."""
    document = customer().get(f"/flights/{FLIGHT}/seats").json()
    fares = {fare["cabin"]: fare for fare in document["fares"]}
    assert fares
    for seat in document["seats"]:
        fare = fares[seat["cabin"]]
        price_minor = fare["exit_row_seat_minor" if seat["exit_row"] else "seat_minor"]
        assert (seat["price_minor"], seat["currency"]) == (price_minor, fare["currency"])
    assert fares["economy"]["bag_minor"] > 0


def test_the_page_and_its_files_come_through_the_gateway_as_they_are(stage: Stage) -> None:
    """All of them, byte for byte, as text of their type, kept under the version that the page names."""
    site = pages.site()
    with httpx.Client(timeout=60) as browser:
        page = browser.get(stage.page_url)
        assert (page.status_code, page.text) == (200, site.index)
        for name, value in pages.PAGE_HEADERS.items():
            assert page.headers[name] == value
        for name, file in site.files.items():
            answer = browser.get(f"{stage.page_url}web/{site.version}/{name}")
            assert (answer.status_code, answer.content.decode()) == (200, file.text), name
            assert answer.headers["Content-Type"] == file.content_type
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert any(not file.text.isascii() for file in site.files.values())
        old = browser.get(f"{stage.page_url}web/000000000000/main.js")
        assert (old.status_code, old.headers["Cache-Control"]) == (200, "no-cache")
        for name in ("index.html", "routes.py", "..%2Froutes.py", "nothing.js"):
            assert_problem(browser.get(f"{stage.page_url}web/{site.version}/{name}"), 404, None)


def test_the_address_without_its_slash_leads_to_the_page(stage: Stage) -> None:
    """As people type it."""
    answer = httpx.get(stage.api_url, timeout=60)
    assert answer.status_code == 307
    assert urljoin(stage.api_url, answer.headers["Location"]) == stage.page_url
    assert httpx.get(stage.api_url, timeout=60, follow_redirects=True).text == pages.site().index


def test_a_deployment_changes_the_routes_of_a_stage_that_is_up(stage: Stage) -> None:
    """LocalStack can't update a REST API, so the deployment puts its definition there; CloudFormation keeps its own."""
    packaged = deploy.package("local")
    template = yaml.safe_load(packaged.template.read_text())
    own = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    paths = own["paths"]
    changed = {**own, "paths": {name: paths[name] for name in paths if name != "/web/{version}/{name}"}}
    template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"] = changed
    packaged.template.write_text(yaml.safe_dump(template))
    file = f"{stage.page_url}web/0/main.js"
    try:
        deploy.deploy(stage.aws, stage.lock_url, packaged=packaged)
        assert httpx.get(file, timeout=60).status_code == 404
        assert httpx.get(stage.page_url, timeout=60).status_code == 200
    finally:
        local_api.put(stage.aws, "leleka-local", own)
    assert httpx.get(file, timeout=60).status_code == 200


def test_large_answers_are_compressed_for_those_who_ask(stage: Stage) -> None:
    """By API Gateway; who doesn't say that it can read them gets them plain, and small ones stay as they are."""
    with httpx.Client(timeout=30, headers={"Accept-Encoding": "gzip"}) as browser:
        seats = browser.get(f"{stage.api_url}/flights/{FLIGHT}/seats")
        plain = browser.get(seats.url, headers={"Accept-Encoding": "identity"})
        small = browser.get(f"{stage.api_url}/flights/{FLIGHT}x/seats")
    assert seats.headers["Content-Encoding"] == "gzip"
    assert int(seats.headers["Content-Length"]) < len(plain.content) / 5
    assert [seat["seat"] for seat in seats.json()["seats"]] == [seat["seat"] for seat in plain.json()["seats"]]
    assert not {"Content-Encoding"} & ({*plain.headers} | {*small.headers})
