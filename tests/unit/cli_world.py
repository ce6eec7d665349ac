"""The stage that the commands meet in unit tests: an API at the transport seam, and one saga's history."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from typer.testing import CliRunner, Result

from leleka.cli import app
from leleka.seed.data import load_fleet
from leleka.seed.items import seats_of
from leleka.stage import Aws
from tests.unit.saga_history import History, StepFunctions
from tests.unit.test_cli_api_client import BOOKING

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
    """An AWS whose Step Functions tells one history."""

    history: History = History()

    def client(self, service: str) -> Any:
        """Only the orchestrator is asked for."""
        assert service == "stepfunctions"
        return StepFunctions(self.history.events, step=100)


@dataclass
class World:
    """The API and the saga that the commands meet; a test changes them."""

    ending: dict[str, Any] = field(default_factory=lambda: {"status": "CONFIRMED", "amount_minor": 7990})
    requests: list[httpx.Request] = field(default_factory=list)
    refusal: httpx.Response | None = None

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
        if request.method == "POST":
            return httpx.Response(202, json=BOOKING)
        return httpx.Response(200, json={**BOOKING, "currency": "EUR", **self.ending})


def seat_views() -> list[dict[str, Any]]:
    seats = [
        {**{name: value for name, value in seat.items() if name != "fencing_number"}, "price_minor": 5490}
        for seat in seats_of(load_fleet()["B738"])
    ]
    for seat in seats:
        seat["currency"] = "EUR"
        seat["status"] = {"12A": "SOLD", "12B": "HELD"}.get(seat["seat"], "AVAILABLE")
    return seats


def run(*arguments: str, width: int = 200) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": str(width), "NO_COLOR": "1", "TERM": "dumb"})
