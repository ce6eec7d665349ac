"""What random requests need to get anywhere: flights and seats that are there, bookings in each state, their secrets.

Values that fit the document are replaced by real ones, so that a request reaches what lies behind the first refusal,
and so that of a wrong one what is wrong is what is refused.
"""

import functools
import itertools
import re
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response

from chalicelib.api import pages
from tests.functional.customer import Customer, eventually

MAKES_BOOKINGS = "POST /bookings"
FLIGHT_NOBODY_ELSE_BOOKS = "LIS-KBP-0620"
_BOOKINGS_BEFORE = 4
_BOOKINGS_MAX = 12
_METHODS = (None, "pm_approved", None, "pm_declined")
_SEATS = [f"{row}{letter}" for row in range(18, 24) for letter in "ABCDEF"]


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


_FITS = {"flight_id": _matches("[A-Z]{3}-[A-Z]{3}-[0-9]{4}"), "seat": _matches("[1-9][0-9]?[A-K]")}


def _in_order(case: schemathesis.Case[Any], location: ParameterLocation) -> bool:
    """Whether this part of a request fits the document."""
    part = case.meta.components.get(location) if case.meta else None
    return part is not None and part.mode.is_positive


@dataclass(frozen=True)
class Claim:
    """A booking by its names, and its secret."""

    names: tuple[str, str]
    secret: str


class World:
    """Knows bookings, lends their names and secrets to requests, and remembers those that the requests made.

    Only every second booking is cancelled, and the others are those that wait for a payment, so that some can be paid.
    """

    def __init__(self, customer: Customer) -> None:
        self._customer = customer
        self._turn = itertools.count()
        self._places = iter(_SEATS)
        self._claims: list[Claim] = []
        self.reached: Counter[tuple[str, int]] = Counter()
        made = [self._book(method) for method in (None, None, "pm_declined", "pm_approved")]
        for booking_id in made[:2]:
            customer.waiting(booking_id)
        for booking_id in made[2:]:
            customer.outcome(booking_id)

    def _book(self, method: str | None) -> str:
        booking = self._customer.book(next(self._places), method, bags=0, flight_id=FLIGHT_NOBODY_ELSE_BOOKS)
        self._know(booking)
        return str(booking["booking_id"])

    def _know(self, booking: dict[str, Any]) -> None:
        self._customer.secrets[booking["booking_id"]] = booking["secret"]
        self._claims.append(Claim((booking["booking_id"], booking["record_locator"]), booking["secret"]))

    def fit(self, case: schemathesis.Case[Any]) -> None:
        """Puts real values into a request, in turns, so that the same seed asks for the same."""
        turn = next(self._turn)
        claims = self._claims[1::2] if case.method == "DELETE" else self._claims
        claim = claims[turn % len(claims)]
        of_a_booking = "{ref}" in case.operation.path
        if of_a_booking and turn % 7:  # each seventh goes with the secret that was generated, or without any
            case.headers["Authorization"] = f"Bearer {claim.secret}"
        if of_a_booking and turn % 5 and _in_order(case, ParameterLocation.PATH):
            case.path_parameters = {"ref": claim.names[turn % 2]}
        if turn % 3:
            self._fit_path_and_query(case, turn)
            self._fit_booking(case)

    def _fit_path_and_query(self, case: schemathesis.Case[Any], turn: int) -> None:
        path_fits = _in_order(case, ParameterLocation.PATH)
        if "{flight_id}" in case.operation.path and path_fits:
            case.path_parameters = {"flight_id": FLIGHT_NOBODY_ELSE_BOOKS}
        if "{version}" in case.operation.path and path_fits:
            files = list(pages.site().files)
            case.path_parameters = {"version": pages.site().version, "name": files[turn % len(files)]}
        if case.operation.path == "/flights" and _in_order(case, ParameterLocation.QUERY):
            case.query = {**case.query, "from": "LIS", "to": "KBP"}

    def _fit_booking(self, case: schemathesis.Case[Any]) -> None:
        if case.operation.label != MAKES_BOOKINGS or not isinstance(case.body, dict):
            return
        if not _in_order(case, ParameterLocation.BODY):
            # If it were accepted, it would be a booking: nothing else about it may be a reason to refuse it.
            real = {"flight_id": FLIGHT_NOBODY_ELSE_BOOKS, "seat": _SEATS[-1]}
            case.body |= {name: real[name] for name, fits in _FITS.items() if fits(case.body.get(name))}
            return
        made = len(self._claims) - _BOOKINGS_BEFORE
        if made >= _BOOKINGS_MAX:
            return
        method = _METHODS[made % len(_METHODS)]
        asked = {name: value for name, value in case.body.items() if name != "payment_method"}
        asked |= {"payment_method": method} if method else {}
        case.body = {**asked, "flight_id": FLIGHT_NOBODY_ELSE_BOOKS, "seat": next(self._places)}
        case.headers["Idempotency-Key"] = str(uuid.uuid4())

    def learn(self, case: schemathesis.Case[Any], response: Response) -> None:
        """Remembers what an answer tells: which status was reached, and a booking that was made."""
        self.reached[case.operation.label, response.status_code] += 1
        if case.operation.label == MAKES_BOOKINGS and response.status_code == 202:
            self._know(response.json())

    def never_reached(self) -> set[str]:
        """The operations that were asked and have not succeeded once."""
        asked = {label for label, _ in self.reached}
        return asked - {label for label, status in self.reached if status < 300}

    def settle(self) -> None:
        """Cancels what waits for its payment, and waits until no saga is at work any more."""
        for booking_id in self._customer.secrets:
            eventually(functools.partial(self._ended, booking_id), f"{booking_id} does not end")

    def _ended(self, booking_id: str) -> bool:
        if self._customer.booking(booking_id)["status"] == "AWAITING_PAYMENT":
            self._customer.cancel(booking_id)
        return self._customer.at_rest(booking_id)
