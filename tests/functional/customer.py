"""A customer at the API, and a look at what the saga did."""

import itertools
import json
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httpx

from leleka.stage import Stage

_WAIT_S = 120.0
_POLL_S = 0.1
_ATTEMPTS = 5
FLIGHT = "KBP-BCN-0615"
_numbers = itertools.count(1)


def an_address(number: int) -> str:
    """One of the loopback interface's many addresses; never 127.0.0.1, which is everybody else's here."""
    high, low = divmod(number % 2**16, 2**8)
    return f"127.{1 + number // 2**16}.{high}.{low}"


class Customer:
    """Books through the API as a browser would. What one customer or one address may hold is limited, so each has a
    network address and an e-mail address of her own, unless others are given."""

    def __init__(self, stage: Stage, source: str | None = None, email: str | None = None) -> None:
        number = next(_numbers)
        self._stage = stage
        self._http = httpx.Client(timeout=60, transport=httpx.HTTPTransport(local_address=source or an_address(number)))
        self.email = email or f"olena-{number}@example.com"
        self.secrets: dict[str, str] = {}

    def close(self) -> None:
        """Ends the connection."""
        self._http.close()

    def get(self, path: str, secret: str | None = None) -> httpx.Response:
        """A GET, with a secret if one is given."""
        return self._http.get(f"{self._stage.api_url}{path}", headers=_bearer(secret))

    def pay(self, booking_id: str, method: str = "pm_approved", secret: str | None = None) -> httpx.Response:
        """POST /bookings/{ref}/payment, with the booking's own secret unless one is given."""
        url = f"{self._stage.api_url}/bookings/{booking_id}/payment"
        headers = _bearer(secret or self.secrets[booking_id])
        return self._http.post(url, json={"payment_method": method}, headers=headers)

    def cancel(self, booking_id: str, secret: str | None = None) -> httpx.Response:
        """DELETE /bookings/{ref}, with the booking's own secret unless one is given."""
        headers = _bearer(secret or self.secrets[booking_id])
        return self._http.delete(f"{self._stage.api_url}/bookings/{booking_id}", headers=headers)

    def post(self, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
        """POST /bookings with a body that may be anything, and a new key unless one is given."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        all_headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key or str(uuid.uuid4()),
            **headers,
        }
        return self._http.post(f"{self._stage.api_url}/bookings", content=content, headers=all_headers)

    def book(
        self,
        seat: str,
        method: str | None = "pm_approved",
        bags: int = 1,
        key: str | None = None,
        flight_id: str = FLIGHT,
    ) -> dict[str, Any]:
        """Asks for a seat; the booking as the API answered. A busy API is asked again as its answer says: after a
        while, with the same key."""
        key = key or str(uuid.uuid4())
        for _ in range(_ATTEMPTS):
            response = self.post({**self.request(seat, method, bags), "flight_id": flight_id}, key)
            if response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            time.sleep(float(response.headers["Retry-After"]))
        assert response.status_code == 202, response.text
        booking: dict[str, Any] = response.json()
        self.secrets[booking["booking_id"]] = booking["secret"]
        return booking

    def request(self, seat: str, method: str | None = "pm_approved", bags: int = 1) -> dict[str, Any]:
        """Her request, in order; without a method, one that waits for its payment."""
        return request(seat, method, bags, self.email)

    def booking(self, booking_id: str) -> dict[str, Any]:
        """The booking as it stands."""
        response = self.get(f"/bookings/{booking_id}", self.secrets[booking_id])
        assert response.status_code == 200, response.text
        booking: dict[str, Any] = response.json()
        return booking

    def outcome(self, booking_id: str) -> dict[str, Any]:
        """The booking once its saga has ended."""
        eventually(lambda: execution(self._stage, booking_id)["status"] != "RUNNING", f"{booking_id} does not end")
        return self.booking(booking_id)

    def waiting(self, booking_id: str) -> dict[str, Any]:
        """The booking once it waits for its payment."""
        eventually(lambda: self.booking(booking_id)["status"] == "AWAITING_PAYMENT", f"{booking_id} does not wait")
        return self.booking(booking_id)

    def cancelled(self, booking_id: str) -> dict[str, Any]:
        """The booking once its cancellation saga has ended."""
        arn = execution_arn(self._stage, booking_id, self._stage.outputs["CancellationSagaArn"])
        describe = self._stage.orchestrator.describe_execution
        eventually(lambda: describe(executionArn=arn)["status"] != "RUNNING", f"{booking_id} is not cancelled")
        return self.booking(booking_id)

    def at_rest(self, booking_id: str) -> bool:
        """Whether no saga works on the booking: neither its own, nor one that cancels it."""
        if execution(self._stage, booking_id)["status"] == "RUNNING":
            return False
        arn = execution_arn(self._stage, booking_id, self._stage.outputs["CancellationSagaArn"])
        try:
            return str(self._stage.orchestrator.describe_execution(executionArn=arn)["status"]) != "RUNNING"
        except self._stage.orchestrator.exceptions.ExecutionDoesNotExist:
            return True

    def cancelled_after_confirming(self, seat: str) -> str:
        """Books, waits for the confirmation, cancels, and waits for the end; returns the booking id."""
        booking_id = str(self.outcome(self.book(seat)["booking_id"])["booking_id"])
        self.cancel(booking_id)
        assert self.cancelled(booking_id)["status"] == "CANCELLED"
        return booking_id

    def seat_status(self, seat: str, flight_id: str = FLIGHT) -> str:
        """What the seat map shows."""
        seats = self.get(f"/flights/{flight_id}/seats").json()["seats"]
        return next(str(each["status"]) for each in seats if each["seat"] == seat)


def eventually(condition: Callable[[], bool], complaint: str, timeout_s: float = _WAIT_S) -> None:
    """Waits for something that has no event to wait for; fails with the complaint when the time is over."""
    until_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until_s, f"{complaint} within {timeout_s} s"
        time.sleep(_POLL_S)


def _bearer(secret: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def request(
    seat: str, method: str | None = "pm_approved", bags: int = 1, email: str = "olena@example.com"
) -> dict[str, Any]:
    """A booking request that is in order; without a method, one that waits for its payment."""
    paid = {"payment_method": method} if method else {}
    return {
        "flight_id": FLIGHT,
        "seat": seat,
        "passenger": {"name": "Олена Шевченко", "email": email},
        "bags": bags,
        **paid,
    }


def execution_arn(stage: Stage, booking_id: str, saga_arn: str | None = None) -> str:
    """The saga of a booking."""
    return (saga_arn or stage.saga_arn).replace(":stateMachine:", ":execution:") + f":{booking_id}"


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
