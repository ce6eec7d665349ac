"""Each answer tells a browser what not to do with it: of every route, every error, API Gateway's own included."""

from collections.abc import Callable, Collection, Iterator

import httpx
import pytest

from chalicelib.api import headers, pages
from leleka.stage import Stage
from tests.functional.customer import FLIGHT, Customer, eventually, request
from tests.functional.test_api_bad_input import assert_problem

pytestmark = pytest.mark.stack
OURS = {"Cache-Control", "Content-Security-Policy"}
"""What the page and its files say in their own way."""


@pytest.fixture
def browser(stage: Stage) -> Iterator[httpx.Client]:
    """Asks the API."""
    with httpx.Client(base_url=stage.api_url, timeout=60, trust_env=False) as browser:
        yield browser


def assert_guarded(answer: httpx.Response, *, but: Collection[str] = ()) -> None:
    """Every header of headers.py is there, once, and with its value, but for some."""
    for name, value in headers.ALWAYS.items():
        assert answer.headers.get_list(name) == [value] or name in but, (answer.url, name, answer.headers)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/flights?from=KBP&to=BCN", 200),
        ("GET", f"/flights/{FLIGHT}/seats", 200),
        ("GET", "/flights?from=Kyiv&to=BCN", 422),
        ("GET", "/flights/KBP-BCN-0101/seats", 404),
        ("POST", "/bookings", 400),
        ("GET", "/bookings/K7X2M9", 401),
        ("DELETE", "/bookings/K7X2M9", 401),
        ("POST", "/bookings/K7X2M9/payment", 401),
        ("GET", "/bookings/K7X2M9/saga", 401),
        ("GET", "/web/0/nothing.js", 404),
        ("PUT", "/bookings", 405),
        ("HEAD", "/flights", 405),
        ("OPTIONS", "/bookings/K7X2M9", 405),
        ("POST", "/", 405),
        ("GET", "/nowhere", 404),
        ("POST", "/bookings/K7X2M9/saga/nowhere", 404),
    ],
)
def test_an_answer_without_a_booking(browser: httpx.Client, method: str, path: str, status: int) -> None:
    """Data, refusals, methods and paths that are not there."""
    answer = browser.request(method, path)
    assert answer.status_code == status
    assert_guarded(answer)
    if status >= 400 and method != "HEAD":
        assert_problem(answer, status, (answer.json().get("errors") or [{"field": None}])[0]["field"])


def test_a_method_that_is_not_there_is_told_which_are(browser: httpx.Client) -> None:
    """405 with Allow, by each path, although API Gateway knows no such answer of its own."""
    assert browser.put("/bookings").headers["Allow"] == "POST"
    assert set(browser.put("/bookings/K7X2M9").headers["Allow"].split(", ")) == {"GET", "DELETE"}
    assert browser.patch("/web/0/main.js").headers["Allow"] == "GET"


def test_every_answer_about_a_booking(customer: Callable[[], Customer], seat: str) -> None:
    """Made, read, told of, paid, paid again, cancelled, and the refusals in between."""
    olena = customer()
    made = olena.post(request(seat, method=None))
    booking_id, secret = made.json()["booking_id"], made.json()["secret"]
    olena.secrets[booking_id] = secret
    olena.waiting(booking_id)
    answers = {
        202: [made, olena.pay(booking_id)],
        200: [olena.get(f"/bookings/{booking_id}{part}", secret) for part in ("", "/saga")],
        404: [olena.get(f"/bookings/{booking_id}", "a" * 26)],
        409: [olena.pay(booking_id, "pm_declined")],
        413: [olena.post(b" " * 20_000)],
        415: [olena.post(b"seat=12A", **{"Content-Type": "text/plain"})],
        422: [olena.post({}), olena.get("/bookings/nobody", secret)],
    }
    for status, given in answers.items():
        for answer in given:
            assert answer.status_code == status, answer.text
            assert_guarded(answer)
    assert olena.outcome(booking_id)["status"] == "CONFIRMED"
    cancelled = olena.cancel(booking_id)
    assert cancelled.status_code == 202
    assert_guarded(cancelled)
    olena.cancelled(booking_id)


def test_the_page_and_its_files(browser: httpx.Client) -> None:
    """They may be kept, and the page may load what is its own; all else is as everywhere."""
    page = browser.get("/")
    assert_guarded(page, but=OURS)
    assert {name: page.headers[name] for name in pages.PAGE_HEADERS} == pages.PAGE_HEADERS
    assert_guarded(browser.get(f"/web/{pages.site().version}/main.js"), but={"Cache-Control"})
    assert_guarded(httpx.get(str(browser.base_url).rstrip("/"), timeout=60))


def test_what_api_gateway_says_when_the_function_does_not_run(stage: Stage, browser: httpx.Client) -> None:
    """It may run no instance more: API Gateway answers alone, with a problem that says that nothing is known."""
    functions, name = stage.aws.client("lambda"), stage.outputs["APIHandlerName"]
    before = functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        answer = browser.get("/flights?from=KBP&to=BCN")
    finally:
        functions.delete_function_concurrency(FunctionName=name)
        if before is not None:
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=before)
    assert answer.status_code == 502
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:leleka:problem:internal-error"
    assert_guarded(answer)
    eventually(lambda: browser.get("/flights?from=KBP&to=BCN").status_code == 200, "the function does not run again")
