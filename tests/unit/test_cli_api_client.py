"""The API client: typed answers, problem documents as one exception, bounded waits. Faults come at the transport."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from leleka.api_client import ApiClient, ApiError, ApiProblem, ApiUnreachable
from leleka.api_types import BookingRequest, Claim, Language, PlacedBooking

URL = "http://127.0.0.1:4566/_aws/execute-api/abc/api"
KEY = "6d6f5068-2cd5-4c71-a31e-07d17fc3125b"
REQUEST = BookingRequest("KBP-BCN-0615", "12A", "Olena", "olena@example.com", 1, "pm_approved")
BOOKING = {
    "booking_id": "bk-1",
    "record_locator": "B4H9PE",
    "status": "REQUESTED",
    "flight_id": "KBP-BCN-0615",
    "seat": "12A",
    "bags": 1,
    "created_at": "2026-11-23T12:00:00Z",
    "a_later_field": True,
}
SECRET = "mkbs7y4avag57ktmk4gsdpvilr"  # noqa: S105 - nobody's
PLACED = {**BOOKING, "secret": SECRET}
CLAIM = Claim("B4H9PE", SECRET)


def client(answer: Callable[[httpx.Request], httpx.Response], waits: list[float] | None = None) -> ApiClient:
    pauses = [] if waits is None else waits
    return ApiClient(URL, httpx.MockTransport(answer), wait=pauses.append)


def problem(status: int, **extra: Any) -> httpx.Response:
    document = {"type": "urn:leleka:problem:seat-taken", "title": "x", "status": status, "detail": "taken", **extra}
    return httpx.Response(status, text=json.dumps(document), headers={"Content-Type": "application/problem+json"})


def test_a_booking_is_posted_below_the_stage_with_its_key() -> None:
    """The base URL has a path, which must not be lost; the body is the API's contract."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, json=PLACED)

    booking = client(answer).book(REQUEST, KEY)
    assert (booking.booking_id, booking.status, booking.reason) == ("bk-1", "REQUESTED", None)
    assert str(seen[0].url) == f"{URL}/bookings"
    assert seen[0].headers["Idempotency-Key"] == KEY
    assert json.loads(seen[0].content) == {
        "flight_id": "KBP-BCN-0615",
        "seat": "12A",
        "passenger": {"name": "Olena", "email": "olena@example.com"},
        "bags": 1,
        "language": "en",
        "payment_method": "pm_approved",
    }
    assert booking.secret == SECRET


def test_a_booking_without_a_card_sends_none() -> None:
    """The API holds the seat when the field is absent; null would do too, an empty text would not."""
    bodies: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(202, json=PLACED)

    request = BookingRequest("KBP-BCN-0615", "12A", "Olena", "olena@example.com", 1, language=Language.UKRAINIAN)
    client(answer).book(request, KEY)
    assert "payment_method" not in bodies[0]
    assert bodies[0]["language"] == "uk"


def test_reading_paying_and_cancelling_prove_whose_booking_it_is() -> None:
    """The secret goes into the header, never into the address, which ends in logs."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={**BOOKING, "hold_expires_at": "2026-11-23T12:15:00Z"})

    with client(answer) as api:
        held = api.booking(CLAIM)
        api.pay(CLAIM, "pm_approved")
        api.cancel(CLAIM)
    assert [(r.method, str(r.url).removeprefix(URL)) for r in seen] == [
        ("GET", "/bookings/B4H9PE"),
        ("POST", "/bookings/B4H9PE/payment"),
        ("DELETE", "/bookings/B4H9PE"),
    ]
    assert {r.headers["Authorization"] for r in seen} == {f"Bearer {SECRET}"}
    assert json.loads(seen[1].content) == {"payment_method": "pm_approved"}
    assert held.hold_expires_at == datetime(2026, 11, 23, 12, 15, tzinfo=UTC)


def test_a_reference_can_not_leave_the_bookings() -> None:
    """What a user types becomes one part of the path."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=BOOKING)

    client(answer).booking(Claim("../flights?x", SECRET))
    assert seen[0].url.raw_path.endswith(b"/bookings/..%2Fflights%3Fx")


def test_the_secret_is_in_no_text_that_might_be_logged() -> None:
    """Of a claim, and of the answer that brings it."""
    placed = PlacedBooking("bk-1", "B4H9PE", "REQUESTED", "F", "12A", 1, "", secret=SECRET)
    assert SECRET not in f"{CLAIM!r} {placed!r} {CLAIM} {placed}"


def test_a_search_names_the_route_and_the_day_only_if_one_is_given() -> None:
    """An empty date would be refused as no date."""
    queries: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        queries.append(dict(request.url.params))
        return httpx.Response(200, json={"flights": []})

    with client(answer) as api:
        api.flights("KBP", "BCN")
        api.flights("KBP", "BCN", "2027-06-15")
    assert queries == [{"from": "KBP", "to": "BCN"}, {"from": "KBP", "to": "BCN", "date": "2027-06-15"}]


def test_a_problem_document_is_an_exception_with_all_its_parts() -> None:
    """Status, type and detail, and the field if one is to blame."""
    errors = [{"field": "$.seat", "detail": "no such seat"}]
    with pytest.raises(ApiProblem) as raised:
        client(lambda _: problem(422, errors=errors)).booking(CLAIM)
    found = raised.value
    assert (found.status, found.type, found.detail, found.field) == (422, "seat-taken", "taken", "$.seat")
    assert str(found) == "taken (422 seat-taken, $.seat)"


def test_a_busy_api_is_asked_again_after_the_time_that_it_names() -> None:
    """Every request may be repeated: reads change nothing, and a booking carries its key."""
    answers = iter([problem(503), problem(503), httpx.Response(202, json=PLACED)])
    waits: list[float] = []

    def answer(_: httpx.Request) -> httpx.Response:
        response = next(answers)
        response.headers["Retry-After"] = "2"
        return response

    assert client(answer, waits).book(REQUEST, KEY).booking_id == "bk-1"
    assert waits == [2.0, 2.0]


@pytest.mark.parametrize(("header", "waited_s"), [("3600", 5.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 1.0), ("-1", 1.0)])
def test_no_answer_makes_the_client_wait_long(header: str, waited_s: float) -> None:
    """Whatever Retry-After says, the wait is bounded, and so is the number of attempts."""
    waits: list[float] = []

    def answer(_: httpx.Request) -> httpx.Response:
        response = problem(503)
        response.headers["Retry-After"] = header
        return response

    with pytest.raises(ApiProblem):
        client(answer, waits).booking(CLAIM)
    assert waits == [waited_s, waited_s]


def test_a_throttled_request_is_asked_again_and_then_says_so() -> None:
    """API Gateway's own answer, which is no problem document."""
    waits: list[float] = []
    throttled = httpx.Response(429, json={"message": "Too Many Requests"})
    with pytest.raises(ApiProblem, match="nothing was done; ask again in a while") as raised:
        client(lambda _: throttled, waits).book(REQUEST, KEY)
    assert (raised.value.status, raised.value.type, len(waits)) == (429, "too-many-requests", 2)


def test_who_holds_too_much_is_told_at_once() -> None:
    """The API's own refusal comes with its time, which is longer than anybody waits here."""
    waits: list[float] = []
    with pytest.raises(ApiProblem, match="429"):
        client(lambda _: problem(429), waits).book(REQUEST, KEY)
    assert waits == []


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("refused"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut")]
)
def test_a_broken_connection_is_unreachable_and_says_so_in_one_line(fault: httpx.TransportError) -> None:
    """The customer learns that nothing is known, not what the socket felt."""

    def answer(_: httpx.Request) -> httpx.Response:
        raise fault

    with pytest.raises(ApiUnreachable, match=r"did not answer POST /bookings: \w+$"):
        client(answer).book(REQUEST, KEY)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(502, text="<html>Bad gateway</html>"),
        httpx.Response(404, json={"message": "no such API"}),
        httpx.Response(500, text="[]", headers={"Content-Type": "application/problem+json"}),
        httpx.Response(200, text="{"),
        httpx.Response(200, json={"booking_id": 7}),
    ],
)
def test_an_answer_that_is_not_the_apis_is_an_error_and_no_crash(response: httpx.Response) -> None:
    """A proxy's page, another API, a document cut short, a field of another type."""
    with pytest.raises(ApiError):
        client(lambda _: response).booking(CLAIM)
