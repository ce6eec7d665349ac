"""The routes of a booking's story and of the page, through Chalice, with services of the test's own."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib import bootstrap
from chalicelib.api import headers, pages
from chalicelib.api.models import History, Saga
from chalicelib.shared import errors
from chalicelib.shared.errors import BookingNotFound, LelekaError, ServiceUnavailable
from tests.unit.saga_history import confirmed, held

ID = "bk-abcdefghijklmnopqrstuvwxyz"
LOCATOR = "K7X2M9"
SECRET = "mkbs7y4avag57ktmk4gsdpvilr"  # noqa: S105 - nobody's
BOOKING = {
    "booking_id": ID,
    "record_locator": LOCATOR,
    "status": "PENDING",
    "flight_id": "KBP-BCN-0615",
    "seat": "12A",
    "bags": 0,
    "passenger": {"name": "Олена", "email": "olena@example.com"},
    "created_at_s": 1_795_435_200,
    "language": "uk",
}
CONTEXT = SimpleNamespace(aws_request_id="request-1")
ECONOMY = {"cabin": "economy", "currency": "EUR", "seat_minor": 5490, "exit_row_seat_minor": 7490, "bag_minor": 2500}


class FakeServices:
    """One booking and its history; it remembers the order of what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = ["PENDING"]
        self.events = held().events
        self.trouble: LelekaError | None = None

    def booking(self, ref: str, secret: str) -> dict[str, Any]:
        """For its secret only; each read sees the next status."""
        self.asked.append(f"booking {ref}")
        if secret != SECRET:
            raise BookingNotFound("there is no such booking, or it is not yours")
        status = self.status.pop(0) if len(self.status) > 1 else self.status[0]
        return {**BOOKING, "status": status}

    def history(self, saga: Saga, name: str) -> History:
        """Of the booking saga, unless the orchestrator is in trouble."""
        self.asked.append(f"history {name}")
        if self.trouble:
            raise self.trouble
        return History("arn", self.events if saga is Saga.BOOKING else [])

    def require_seat(self, booking_id: str, flight_id: str, seat: str) -> None:
        """Every seat is there."""

    def place_booking(self, command: dict[str, Any]) -> dict[str, Any]:
        """Remembers from where the request came; kept, unless somebody holds too much."""
        self.asked.append(f"place from {command['source']}")
        if self.trouble:
            raise self.trouble
        return {**BOOKING, "booking_id": command["booking_id"]}

    def start_saga(self, booking_id: str, saga_input: dict[str, Any]) -> None:
        """Nothing personal is in its input."""
        self.asked.append(f"start {booking_id} {sorted(saga_input)}")

    def seat_map(self, _flight_id: str) -> list[dict[str, Any]]:
        """One seat in an exit row, and one in a cabin that is not on sale."""
        usual = {"row": 1, "letter": "A", "position": "window", "status": "AVAILABLE", "fencing_number": 7}
        in_economy = {**usual, "seat": "12A", "cabin": "economy", "exit_row": True}
        return [in_economy, {**usual, "seat": "1A", "cabin": "x", "exit_row": False}]

    def fares(self, flight_id: str) -> dict[str, dict[str, Any]]:
        """As the pricing service tells them."""
        return {"economy": {"flight_id": flight_id, **ECONOMY}}


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    """What the routes ask."""
    fake = FakeServices()
    monkeypatch.setattr(bootstrap, "services", lambda: fake)
    return fake


def get(path: str, secret: str | None = None) -> Any:
    """The answer of the whole Chalice application."""
    proof = {"Authorization": f"Bearer {secret}"} if secret else {}
    with Client(app) as client:
        return client.http.get(path, headers=proof)


@pytest.mark.parametrize("ref", [ID, LOCATOR])
def test_a_story_comes_with_its_booking(services: FakeServices, ref: str) -> None:
    """One answer, so that a page that looks each second asks once; never from a cache."""
    answer = get(f"/bookings/{ref}/saga", SECRET)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    document = json.loads(answer.body)
    assert document["booking"]["record_locator"] == LOCATOR
    assert document["booking"]["created_at"].endswith("Z")
    [saga] = document["executions"]
    assert (saga["kind"], saga["outcome"], saga["steps"][-1]["state"]) == ("saga", "RUNNING", "waiting")
    assert services.asked == [f"booking {ref}", f"history {ID}", f"booking {ID}"]


def test_the_booking_is_as_late_as_its_story_or_later(services: FakeServices) -> None:
    """It is confirmed while the history is read: better a confirmed booking whose last steps are still to come than an
    ended saga of a booking that seems to be under way."""
    services.status = ["PENDING", "CONFIRMED"]
    assert json.loads(get(f"/bookings/{ID}/saga", SECRET).body)["booking"]["status"] == "CONFIRMED"


def test_nothing_but_names_and_times_of_a_history_is_told(services: FakeServices) -> None:
    """Inputs, outputs and causes are in the events of this history; none of it gets out."""
    marked = json.dumps(confirmed().events, default=lambda at: at.isoformat()).replace("{}", "INTERNAL")
    services.events = [
        {**event, "timestamp": original["timestamp"]}
        for event, original in zip(json.loads(marked), confirmed().events, strict=True)
    ]
    assert "INTERNAL" in str(services.events)
    body = get(f"/bookings/{ID}/saga", SECRET).body.decode()
    assert "INTERNAL" not in body
    assert "lock" not in body


def test_without_a_secret_nobody_is_asked_anything(services: FakeServices) -> None:
    """401, and how to come back."""
    answer = get(f"/bookings/{ID}/saga")
    assert (answer.status_code, services.asked) == (401, [])
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_with_a_wrong_secret_the_orchestrator_is_not_asked(services: FakeServices) -> None:
    """404 as for a booking that is not there; how long it takes tells nothing of a saga either."""
    answer = get(f"/bookings/{LOCATOR}/saga", SECRET[::-1])
    assert (answer.status_code, services.asked) == (404, [f"booking {LOCATOR}"])
    assert json.loads(answer.body)["type"] == "urn:leleka:problem:booking-not-found"


def test_what_is_no_reference_is_refused(services: FakeServices) -> None:
    """Before anybody is asked."""
    answer = get("/bookings/nobody/saga", SECRET)
    assert (answer.status_code, services.asked) == (422, [])
    assert json.loads(answer.body)["errors"][0]["field"] == "$.ref"


def test_a_busy_orchestrator_is_503_and_says_when_to_ask_again(services: FakeServices) -> None:
    """The page shows the booking by itself until then."""
    services.trouble = ServiceUnavailable("the orchestrator did not tell how the saga stands")
    answer = get(f"/bookings/{ID}/saga", SECRET)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert json.loads(answer.body)["type"] == "urn:leleka:problem:service-unavailable"


def ask_for_a_seat(**headers: str) -> Any:
    """The answer to a request that is in order."""
    body = {"flight_id": "KBP-BCN-0615", "seat": "12A", "passenger": BOOKING["passenger"]}
    usual = {"Content-Type": "application/json", "Idempotency-Key": "k" * 22}
    with Client(app) as client:
        return client.http.post("/bookings", headers={**usual, **headers}, body=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (errors.TooManyHolds, "too-many-holds"),
        (errors.TooManyHoldsFromSource, "too-many-holds-from-source"),
        (errors.TooManyAttempts, "too-many-attempts"),
        (errors.SeatCoolingDown, "seat-cooling-down"),
    ],
)
def test_who_holds_too_much_gets_429_and_when_to_come_again(
    services: FakeServices, error: type[errors.TryLater], name: str
) -> None:
    """A problem document that says that nothing was kept, and what to do. No saga is started."""
    services.trouble = error("too much; nothing was kept: pay, or", 843)
    answer = ask_for_a_seat()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "843")
    document = json.loads(answer.body)
    assert document["type"] == f"urn:leleka:problem:{name}"
    assert document["detail"] == "too much; nothing was kept: pay, or ask again in 843 s"
    assert services.asked == ["place from 127.0.0.1"]


def test_a_source_is_the_connections_and_no_header_says_otherwise(services: FakeServices) -> None:
    """A client may write any address into a header."""
    headers = {"X-Forwarded-For": "9.9.9.9", "Forwarded": "for=9.9.9.9", "X-Real-IP": "9.9.9.9"}
    assert ask_for_a_seat(**headers).status_code == 202
    assert services.asked[0] == "place from 127.0.0.1"
    assert "9.9.9.9" not in str(services.asked)


@pytest.mark.usefixtures("services")
def test_a_seat_map_tells_what_each_cabin_costs() -> None:
    """So a page can add up seat and bags before anything is booked."""
    document = json.loads(get("/flights/KBP-BCN-0615/seats").body)
    assert document["fares"] == [ECONOMY]
    assert [seat.get("price_minor") for seat in document["seats"]] == [7490, None]
    assert all("fencing_number" not in seat for seat in document["seats"])


def test_what_breaks_before_a_route_is_reached_is_an_answer_too(services: FakeServices) -> None:
    """An event that lacks what its path promises: a problem document, and nothing of the cause."""
    event = root("/api/")
    event["requestContext"]["resourcePath"] = "/bookings/{ref}"
    answer = app(event, None)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (500, "application/problem+json")
    assert headers.ALWAYS.items() <= answer["headers"].items()
    assert "NoneType" not in answer["body"]
    assert services.asked == []


def test_headers_of_one_answer_do_not_end_up_in_another(services: FakeServices) -> None:
    """The page's own are shared by all answers with the page."""
    before = dict(pages.PAGE_HEADERS)
    get("/")
    assert before == pages.PAGE_HEADERS
    assert services.asked == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of three files, and some that are none of it."""
    (tmp_path / "index.html").write_text('<script src="web/{version}/main.js"></script><p>Лелека {version}</p>')
    (tmp_path / "main.js").write_text("export default '{version} їжак';")
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / "draft.html").write_text("not served")
    (tmp_path / "notes.md").write_text("not served")
    (tmp_path / "secret.py").write_text("not served")
    monkeypatch.setattr(pages, "site", lambda: pages.load(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_the_page_may_load_nothing_from_elsewhere_and_is_asked_for_again() -> None:
    """No inline script, no foreign address, no frame around it; and each visit sees the current deployment."""
    answer = get("/")
    assert answer.status_code == 200
    assert answer.headers == {
        **headers.ALWAYS,
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "object-src 'none'",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    version = pages.site().version
    assert re.fullmatch(r"[0-9a-f]{12}", version)
    assert answer.body.decode() == f'<script src="web/{version}/main.js"></script><p>Лелека {version}</p>'


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "content_type", "text"),
    [("main.js", "text/javascript", "export default '{version} їжак';"), ("icon.svg", "image/svg+xml", "<svg/>")],
)
def test_a_file_under_the_current_version_is_kept_for_good(name: str, content_type: str, text: str) -> None:
    """As text with its letters intact, and as what it is."""
    answer = get(f"/web/{pages.site().version}/{name}")
    assert (answer.status_code, answer.body.decode()) == (200, text)
    assert answer.headers == {
        **headers.ALWAYS,
        "Content-Type": f"{content_type}; charset=utf-8",
        "Cache-Control": "public, max-age=31536000, immutable",
    }


@pytest.mark.usefixtures("folder")
def test_a_page_of_an_earlier_deployment_gets_the_current_file_and_keeps_it_not() -> None:
    """It goes on working; under the old address nothing new is kept."""
    answer = get("/web/0123456789ab/main.js")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "name", ["index.html", "draft.html", "notes.md", "secret.py", "nothing.js", "..", "%2e%2e%2froutes.py"]
)
def test_what_is_no_file_of_the_page_is_not_served(name: str) -> None:
    """Only what lay in the folder when it was read; a name is never a path."""
    answer = get(f"/web/{pages.site().version}/{name}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    problem = json.loads(answer.body)
    assert (problem["type"], problem["detail"]) == ("urn:leleka:problem:file-not-served", "the page has no such file")


@pytest.mark.parametrize("change", ["main.js", "index.html", "new.css"])
def test_another_content_is_another_version(folder: Path, change: str) -> None:
    """Of any file, also of the page itself; the same content is the same version on every machine."""
    before = pages.load(folder).version
    assert pages.load(folder).version == before
    (folder / change).write_text("other")
    assert pages.load(folder).version != before


def test_a_file_that_changes_its_name_is_another_version(folder: Path) -> None:
    """Content that moves from one file to another is a change, too."""
    before = pages.load(folder).version
    (folder / "main.js").rename(folder / "mainer.js")
    assert pages.load(folder).version != before


def test_the_files_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once a request."""
    read: list[Path] = []

    def load(folder: Path) -> pages.Site:
        read.append(folder)
        return pages.Site("0", "", {})

    monkeypatch.setattr(pages, "load", load)
    pages.site.cache_clear()
    assert pages.site() is pages.site()
    pages.site.cache_clear()
    assert [folder.parts[-2:] for folder in read] == [("api", "web")]


def root(address: str) -> Any:
    """API Gateway's event for the root of a stage: only the context tells by which address it came."""
    context = {"resourcePath": "/", "httpMethod": "GET", "path": address}
    nothing = {"pathParameters": None, "stageVariables": None, "body": None, "multiValueQueryStringParameters": None}
    return {"requestContext": context, "headers": {}, "isBase64Encoded": False, "path": "/", **nothing}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("address", "to"),
    [("/api", "./api/"), ("/base/path", "./path/"), ("//evil.example", "./evil.example/"), ("/x:y", "./x:y/")],
)
def test_the_stage_without_its_slash_leads_to_the_one_with_it(address: str, to: str) -> None:
    """Relative addresses of the page would miss the stage otherwise. Relative itself, so it never leads elsewhere."""
    answer = app(root(address), CONTEXT)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (307, to)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("address", ["/api/", "/"])
def test_the_address_with_its_slash_is_the_page(address: str) -> None:
    """With a stage in it, and behind a domain of its own."""
    assert app(root(address), CONTEXT)["statusCode"] == 200


def test_the_page_of_this_deployment_is_served_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page loads first is among its files, under the version that it names."""
    monkeypatch.setattr(pages, "site", lambda: pages.load(Path(pages.__file__).with_name("web")))
    site = pages.site()
    linked = re.findall(r'(?:src|href)="web/([0-9a-f]{12})/([^"]+)"', site.index)
    assert {version for version, _ in linked} == {site.version}
    assert all(site.file(name) for _, name in linked)
    assert "{version}" not in site.index
