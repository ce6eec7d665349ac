"""The stage that the commands meet in unit tests: an API at the transport seam, and one saga's history."""

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from leleka import bookings_here, cli_bookings, cli_flights, stages_here
from leleka.api_client import ApiClient
from leleka.cli import app
from leleka.seed.data import load_fleet
from leleka.seed.items import seats_of
from leleka.stage import Aws, Stage
from tests.unit.saga_history import History, StepFunctions, confirmed
from tests.unit.test_cli_api_client import BOOKING, PLACED

BOOK = ("book", "KBP-BCN-0615", "12A", "--name", "Olena", "--email", "olena@example.com")
FLIGHT = {
    "flight_id": "KBP-BCN-0615",
    "number": "LL 701",
    "origin": "KBP",
    "destination": "BCN",
    "departs_at": "2027-06-15T07:40:00Z",
    "arrives_at": "2027-06-15T11:20:00Z",
    "departs_local": "2027-06-15T10:40",
    "arrives_local": "2027-06-15T13:20",
    "aircraft": "Boeing 737-800",
    "distance_km": 2429,
}


class FakeAws(Aws):
    """An AWS whose Step Functions tells one history, and another of the cancellation if there is one."""

    history: History = History()
    cancellation: History | None = None

    def client(self, service: str) -> Any:
        """Only the orchestrator is asked for."""
        assert service == "stepfunctions"
        return self

    exceptions = StepFunctions.exceptions

    def get_execution_history(self, **request: Any) -> Any:
        """By the saga in the execution's name."""
        history = self.cancellation if ":undo:" in request["executionArn"] else self.history
        if history is None:
            raise self.exceptions.ExecutionDoesNotExist
        return StepFunctions(history.events, step=100).get_execution_history(**request)


STAGE = Stage(
    name="local",
    api_url="http://api",
    saga_arn="arn:stateMachine:saga",
    lock_url="redis://lock",
    tables={},
    outputs={"CancellationSagaArn": "arn:stateMachine:undo"},
    aws=FakeAws("local", "http://127.0.0.1:4566"),
)


@dataclass
class World:
    """The API and the saga that the commands meet; a test changes them."""

    ending: dict[str, Any] = field(default_factory=lambda: {"status": "CONFIRMED", "amount_minor": 7990})
    requests: list[httpx.Request] = field(default_factory=list)
    refusal: httpx.Response | None = None
    payments: list[httpx.Response] = field(default_factory=list)
    before: str = "CONFIRMED"
    """How a booking stands that is to be cancelled."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What the API says."""
        self.requests.append(request)
        if self.refusal is not None:
            return self.refusal
        path = request.url.path
        if path.endswith("/seats"):
            return httpx.Response(200, json={"flight_id": "KBP-BCN-0615", "seats": seat_views()})
        if path.endswith("/flights"):
            return httpx.Response(200, json={"flights": [FLIGHT] if request.url.params["to"] == "BCN" else []})
        return self._booking(request)

    def _booking(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/payment"):
            return self.payments.pop(0) if self.payments else httpx.Response(202, json=BOOKING)
        if request.method == "POST":
            return httpx.Response(202, json=PLACED)
        if request.method == "DELETE":
            return httpx.Response(202, json={**BOOKING, "status": self.before})
        return httpx.Response(200, json={**BOOKING, "currency": "EUR", **self.ending})


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """A deployed stage whose saga confirms the booking; secrets are kept in a file of its own."""
    made = World()
    monkeypatch.setattr(FakeAws, "history", confirmed())
    monkeypatch.setattr(stages_here, "load", lambda _name: STAGE)
    monkeypatch.setattr(bookings_here, "FILE", tmp_path / "bookings.json")
    client = functools.partial(ApiClient, transport=httpx.MockTransport(made.answer), wait=lambda _s: None)
    monkeypatch.setattr(cli_bookings, "ApiClient", client)
    monkeypatch.setattr(cli_flights, "ApiClient", client)
    return made


def seat_views() -> list[dict[str, Any]]:
    seats = [
        {**{name: value for name, value in seat.items() if name != "fencing_number"}, "price_minor": 5490}
        for seat in seats_of(load_fleet()["B738"])
    ]
    for seat in seats:
        seat["currency"] = "EUR"
        seat["status"] = {"12A": "SOLD", "12B": "HELD"}.get(seat["seat"], "AVAILABLE")
    return seats


def run(*arguments: str, width: int = 200, answer: str | None = None) -> Result:
    environment = {"COLUMNS": str(width), "NO_COLOR": "1", "TERM": "dumb"}
    return CliRunner().invoke(app, arguments, input=answer, env=environment)
