"""A passenger of whom every trace would be recognised."""

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from chalicelib.api import requests
from leleka.stage import Stage
from tests.functional.customer import Customer, request

FLIGHT = "WAW-KBP-0618"
NAME = "Zofia Rozpoznawalna"
EMAIL = "zofia.rozpoznawalna@example.com"
ADDRESS = "203.0.113.77"
BROWSER = "rozpoznawalna-browser/1.0"
UNKNOWN_METHOD = "pm_rozpoznawalna"
STRIPE_KEY = "sk_test_rozpoznawalny"


@dataclass
class Traces:
    """What would give her away: texts with what they are. ``booking_ids`` are her bookings, whose ids may stand
    anywhere."""

    texts: dict[str, str] = field(
        default_factory=lambda: {
            NAME: "the passenger's name",
            EMAIL: "the passenger's e-mail address",
            ADDRESS: "the customer's network address",
            BROWSER: "the customer's browser",
            STRIPE_KEY: "Stripe's secret key",
        }
    )
    booking_ids: list[str] = field(default_factory=list)

    def add_booking(self, booking_id: str, key: str, secret: str) -> None:
        """One more booking."""
        self.booking_ids.append(booking_id)
        self.texts[key] = "an Idempotency-Key"
        self.texts[secret] = "a booking's secret"
        self.texts[hashlib.sha256(secret.encode()).hexdigest()] = "the hash of a booking's secret"


class Zofia(Customer):
    """She books on a flight of her own, with a new key for each booking."""

    def __init__(self, stage: Stage, traces: Traces) -> None:
        super().__init__(stage)
        self._traces = traces
        self._asked: dict[str, tuple[dict[str, Any], str]] = {}

    def ask(self, seat: str, method: str | None = "pm_approved") -> dict[str, Any]:
        """Asks for a seat."""
        passenger = {"name": NAME, "email": EMAIL}
        body = {**request(seat, method), "flight_id": FLIGHT, "passenger": passenger}
        key = f"rozpoznawalna-{uuid.uuid4().hex}"
        booking_id, secret = requests.booking_id_for(key), requests.secret_for(key)
        self._traces.add_booking(booking_id, key, secret)
        self._asked[booking_id] = body, key
        self.secrets[booking_id] = secret
        return self._answered(self._send(body, key))

    def ask_in_vain(self, seat: str) -> int:
        """Asks for a seat, and is told with this status that it can't be had; there is no booking then."""
        key = f"rozpoznawalna-{uuid.uuid4().hex}"
        self._traces.texts |= {key: "an Idempotency-Key", requests.secret_for(key): "a booking's secret"}
        passenger = {"name": NAME, "email": EMAIL}
        return self._send({**request(seat), "flight_id": FLIGHT, "passenger": passenger}, key).status_code

    def ask_again(self, booking_id: str) -> dict[str, Any]:
        """Sends the request of a booking once more."""
        return self._answered(self._send(*self._asked[booking_id]))

    def look(self, ref: str, booking_id: str) -> None:
        """Reads the booking and its story."""
        for path in (f"/bookings/{ref}", f"/bookings/{ref}/saga"):
            assert self.get(path, self.secrets[booking_id]).status_code == 200

    def _send(self, body: dict[str, Any], key: str) -> httpx.Response:
        return self.post(body, key, **{"X-Forwarded-For": ADDRESS, "User-Agent": BROWSER})

    @staticmethod
    def _answered(response: httpx.Response) -> dict[str, Any]:
        assert response.status_code == 202, response.text
        booking: dict[str, Any] = response.json()
        return booking
