"""A customer at the API, and a look at what the saga did."""

import json
import time
import uuid
from typing import Any

import httpx

from leleka.stage import Stage

_WAIT_S = 120.0
_POLL_S = 0.1
FLIGHT = "KBP-BCN-0615"


class Customer:
    """Books through the API as a browser would."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._http = httpx.Client(timeout=60)

    def close(self) -> None:
        """Ends the connection."""
        self._http.close()

    def get(self, path: str) -> httpx.Response:
        """A plain GET."""
        return self._http.get(f"{self._stage.api_url}{path}")

    def post(self, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
        """POST /bookings with a body that may be anything, and a new key unless one is given."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        all_headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key or str(uuid.uuid4()),
            **headers,
        }
        return self._http.post(f"{self._stage.api_url}/bookings", content=content, headers=all_headers)

    def book(self, seat: str, method: str = "pm_approved", bags: int = 1, key: str | None = None) -> dict[str, Any]:
        """Asks for a seat; the booking as the API answered."""
        response = self.post(request(seat, method, bags), key)
        assert response.status_code == 202, response.text
        booking: dict[str, Any] = response.json()
        return booking

    def booking(self, booking_id: str) -> dict[str, Any]:
        """The booking as it stands."""
        response = self.get(f"/bookings/{booking_id}")
        assert response.status_code == 200, response.text
        booking: dict[str, Any] = response.json()
        return booking

    def outcome(self, booking_id: str) -> dict[str, Any]:
        """The booking once its saga has ended."""
        until_s = time.monotonic() + _WAIT_S
        while execution(self._stage, booking_id)["status"] == "RUNNING":
            assert time.monotonic() < until_s, f"{booking_id} did not end within {_WAIT_S} s"
            time.sleep(_POLL_S)
        return self.booking(booking_id)

    def seat_status(self, seat: str) -> str:
        """What the seat map shows."""
        seats = self.get(f"/flights/{FLIGHT}/seats").json()["seats"]
        return next(str(each["status"]) for each in seats if each["seat"] == seat)


def request(seat: str, method: str = "pm_approved", bags: int = 1) -> dict[str, Any]:
    """A booking request that is in order."""
    return {
        "flight_id": FLIGHT,
        "seat": seat,
        "passenger": {"name": "Олена Шевченко", "email": "olena@example.com"},
        "bags": bags,
        "payment_method": method,
    }


def execution_arn(stage: Stage, booking_id: str) -> str:
    """The saga of a booking."""
    return stage.saga_arn.replace(":stateMachine:", ":execution:") + f":{booking_id}"


def execution(stage: Stage, booking_id: str) -> Any:
    """The saga as Step Functions describes it."""
    return stage.orchestrator.describe_execution(executionArn=execution_arn(stage, booking_id))


def states_entered(stage: Stage, booking_id: str) -> list[str]:
    """The states that the saga went through, in order."""
    pages = stage.orchestrator.get_paginator("get_execution_history").paginate(
        executionArn=execution_arn(stage, booking_id)
    )
    events = [event for page in pages for event in page["events"]]
    return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
