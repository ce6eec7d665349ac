"""Bad input gets a problem document with the field named, and no saga starts. Never a 500, never a trace."""

import copy
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from leleka.stage import Stage
from tests.functional.customer import FLIGHT, Customer, request

pytestmark = pytest.mark.stack
type Customers = Callable[[], Customer]


def changed(**changes: Any) -> dict[str, Any]:
    """A request that is in order but for these fields; ``passenger__name`` reaches inside."""
    body = copy.deepcopy(request("12A"))
    for name, value in changes.items():
        *outer, last = name.split("__")
        inner = body
        for part in outer:
            inner = inner[part]
        inner[last] = value
    return body


def without(name: str) -> dict[str, Any]:
    """A request that lacks a field."""
    body = request("12A")
    del body[name]
    return body


def executions(stage: Stage) -> int:
    """How many sagas were ever started."""
    pages = stage.orchestrator.get_paginator("list_executions").paginate(stateMachineArn=stage.saga_arn)
    return sum(len(page["executions"]) for page in pages)


def assert_problem(response: httpx.Response, status: int, field: str | None) -> None:
    """An RFC 9457 document that names the field and tells nothing of the inside."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:leleka:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert [error["field"] for error in problem.get("errors", [])] == ([field] if field else [])
    assert "Traceback" not in response.text
    assert "chalicelib" not in response.text


BAD_BODIES: list[tuple[str, Any, int, str | None]] = [
    ("an unknown flight", changed(flight_id="KBP-BCN-0101"), 422, "$.flight_id"),
    ("a flight that is no id", changed(flight_id="../../etc"), 422, "$.flight_id"),
    ("a row that is missing on that aircraft", changed(seat="13A"), 422, "$.seat"),
    ("a seat that is no seat", changed(seat="window please"), 422, "$.seat"),
    ("a number for a seat", changed(seat=12), 422, "$.seat"),
    ("negative bags", changed(bags=-1), 422, "$.bags"),
    ("six bags", changed(bags=6), 422, "$.bags"),
    ("half a bag", changed(bags=0.5), 422, "$.bags"),
    ("bags as text", changed(bags="1"), 422, "$.bags"),
    ("bags as a truth value", changed(bags=True), 422, "$.bags"),
    ("more bags than fit into 64 bits", changed(bags=10**30), 422, "$.bags"),
    ("an extra field", changed(discount=100), 422, "$.discount"),
    ("an extra field inside", changed(passenger__admin=True), 422, "$.passenger.admin"),
    ("a missing field", without("seat"), 422, "$.seat"),
    ("no passenger", without("passenger"), 422, "$.passenger"),
    ("a null", changed(passenger=None), 422, "$.passenger"),
    ("10,000 characters of name", changed(passenger__name="x" * 10_000), 422, "$.passenger.name"),
    ("an empty name", changed(passenger__name=""), 422, "$.passenger.name"),
    ("a line break in the name", changed(passenger__name="Olena\r\nBcc: all@example.com"), 422, "$.passenger.name"),
    ("an address that is none", changed(passenger__email="olena"), 422, "$.passenger.email"),
    ("a line break in the address", changed(passenger__email="o@example.com\nBcc:x@y.z"), 422, "$.passenger.email"),
    ("a line break after the address", changed(passenger__email="olena@example.com\n"), 422, "$.passenger.email"),
    ("two addresses", changed(passenger__email="a@example.com,b@example.com"), 422, "$.passenger.email"),
    ("a control character for a name", changed(passenger__name="\x00"), 422, "$.passenger.name"),
    ("a line break after the method", changed(payment_method="pm_approved\n"), 422, "$.payment_method"),
    ("a card number for a payment method", changed(payment_method="4242424242424242"), 422, "$.payment_method"),
    ("a list for a body", [], 422, "$"),
    ("text for a body", "12A please", 422, "$"),
    ("malformed JSON", b'{"flight_id": "KBP-BCN-0615", ', 400, None),
    ("an empty body", b"", 400, None),
    ("bytes that are no text", b"\xff\xfe\x00", 400, None),
    ("half a surrogate pair", b'{"seat": "\\ud800"}', 400, None),
    ("deep nesting", b"[" * 10_000, 422, "$"),
    ("a body of 20,000 bytes", json.dumps(changed(passenger__name="x" * 20_000)).encode(), 413, None),
    ("a body of a megabyte", b" " * 1_000_000, 413, None),
]


@pytest.mark.parametrize(("body", "status", "field"), [case[1:] for case in BAD_BODIES], ids=[c[0] for c in BAD_BODIES])
def test_a_bad_body_is_refused_and_nothing_starts(
    stage: Stage, customer: Customers, body: Any, status: int, field: str | None
) -> None:
    """The status fits, the field is named, no execution is started."""
    before = executions(stage)
    assert_problem(customer().post(body), status, field)
    assert executions(stage) == before


@pytest.mark.parametrize(
    "key", ["short", "x" * 129, "spaces are not for keys", "ключ-українською-мовою".encode().hex()[:15]]
)
def test_a_bad_idempotency_key_is_refused(customer: Customers, key: str) -> None:
    """It must be long enough to be unique."""
    assert_problem(customer().post(request("12A"), key), 400, "Idempotency-Key")


def test_another_media_type_is_refused(customer: Customers) -> None:
    """A form is not JSON."""
    response = customer().post(b"seat=12A", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert_problem(response, 415, None)


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/flights", 422, "$.from"),
        ("/flights?from=KBP", 422, "$.to"),
        ("/flights?from=Kyiv&to=BCN", 422, "$.from"),
        ("/flights?from=KBP&to=BCN&date=2027-02-30", 422, "$.date"),
        ("/flights?from=KBP&to=BCN&date=tomorrow", 422, "$.date"),
        ("/flights?from=KBP&to=BCN&limit=1000000", 422, "$.limit"),
        ("/flights/KBP-BCN-0101/seats", 404, None),
        ("/flights/nonsense/seats", 422, "$.flight_id"),
        ("/bookings/bk-aaaaaaaaaaaaaaaaaaaaaaaaaa", 401, None),
        ("/bookings/nonsense", 401, None),
    ],
)
def test_a_bad_path_or_query_is_refused(customer: Customers, path: str, status: int, field: str | None) -> None:
    """What is asked for must be well formed, and must exist."""
    assert_problem(customer().get(path), status, field)


def test_flights_and_seats_can_be_looked_at(customer: Customers) -> None:
    """Kyiv to Barcelona has KBP-BCN-0615, whose map shows 12A with its price."""
    olena = customer()
    flights = olena.get("/flights?from=KBP&to=BCN").json()["flights"]
    flight = next(each for each in flights if each["flight_id"] == FLIGHT)
    assert flight["departs_local"][5:10] == "06-15"
    on_that_day = olena.get(f"/flights?from=KBP&to=BCN&date={flight['departs_local'][:10]}").json()["flights"]
    assert [each["flight_id"] for each in on_that_day] == [FLIGHT]
    seats = olena.get(f"/flights/{FLIGHT}/seats").json()["seats"]
    seat = next(each for each in seats if each["seat"] == "12A")
    assert (seat["position"], seat["price_minor"], seat["currency"]) == ("window", 5490, "EUR")
