"""Customers who book, pay, wait, give up and cancel, each in a thread, until the time is over."""

import random
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx

from leleka.stage import Stage
from tests.functional.customer import Customer, execution

_METHODS = ("pm_approved",) * 12 + ("pm_declined", "pm_slow", "pm_unknown", "pm_unknown_lost", None, None)
_SEATS = [f"{row}{letter}" for row in range(18, 28) for letter in "ABCDEF"]
_CANCELS = 0.4
_ANSWER_S = 120.0
_ENDS_S = 300.0
_POLL_S = 0.25


class Crowd:
    """Some customers at once. ``tell`` hears the status of each booking that has ended."""

    def __init__(self, stage: Stage, seed: int, size: int, tell: Callable[[str], None]) -> None:
        self._stage = stage
        self._tell = tell
        self._closing = threading.Event()
        self.troubles: list[str] = []
        self._threads = [
            threading.Thread(target=self._live, args=(random.Random(f"{seed}/{number}"),), daemon=True)
            for number in range(size)
        ]

    def start(self) -> None:
        """They come."""
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        """Nobody begins another booking; returns when everybody knows what became of theirs."""
        self._closing.set()
        for thread in self._threads:
            thread.join(_ENDS_S)
            if thread.is_alive():
                self.troubles.append("a customer still waits")

    def _live(self, rng: random.Random) -> None:
        try:
            while not self._closing.is_set():
                # Somebody else each time: one customer may not hold the same seat again and again.
                with closing(Customer(self._stage)) as customer:
                    self._book(customer, rng)
        except Exception as trouble:  # noqa: BLE001 - one customer's trouble is counted, and the others go on
            self.troubles.append(f"{type(trouble).__name__}: {trouble}")

    def _book(self, customer: Customer, rng: random.Random) -> None:
        seat, method, key = (
            rng.choice(_SEATS),
            rng.choice(_METHODS),
            str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        )
        pays, cancels = rng.random() < 0.7, rng.random() < _CANCELS
        body = customer.request(seat, method, rng.randint(0, 1))
        # An answer that was lost is asked for again with the same key, as the API's rules say.
        answer = _definite(lambda: customer.post(body, key))
        assert answer.status_code == 202, answer.text
        booking_id = answer.json()["booking_id"]
        customer.secrets[booking_id] = answer.json()["secret"]
        if method is None and pays:
            _definite(lambda: customer.pay(booking_id), done={409})
        self._wait_for_end(booking_id)
        status = self._status(customer, booking_id)
        self._tell(status)
        if status == "CONFIRMED" and cancels:
            _definite(lambda: customer.cancel(booking_id), done={409})

    def _status(self, customer: Customer, booking_id: str) -> str:
        found: dict[str, Any] = _definite(
            lambda: customer.get(f"/bookings/{booking_id}", customer.secrets[booking_id])
        ).json()
        return str(found["status"])

    def _wait_for_end(self, booking_id: str) -> None:
        until_s = time.monotonic() + _ENDS_S
        while execution(self._stage, booking_id)["status"] == "RUNNING":
            assert time.monotonic() < until_s, f"{booking_id} does not end"
            time.sleep(_POLL_S)


def _definite(ask: Callable[[], httpx.Response], done: set[int] = frozenset()) -> httpx.Response:  # type: ignore[assignment]  # an empty set
    """Asks until the answer is one: no lost connection, no error of the server."""
    until_s = time.monotonic() + _ANSWER_S
    while True:
        try:
            answer = ask()
            if answer.status_code < 500 or answer.status_code in done:
                return answer
            trouble = f"{answer.status_code} {answer.text[:200]}"
        except httpx.HTTPError as error:
            trouble = repr(error)
        assert time.monotonic() < until_s, f"no answer: {trouble}"
        time.sleep(_POLL_S)
