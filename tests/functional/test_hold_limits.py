"""The limits on holds through HTTP: many at once, for one customer or from one address, each in its own thread."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from chalicelib.api.requests import booking_id_for, secret_for
from chalicelib.booking.hold_limits import holders_of
from tests.functional.customer import Customer
from tests.functional.test_api_bad_input import assert_problem
from tests.promises import Promises
from tests.unit.placing_world import LIMITS

pytestmark = pytest.mark.stack
type Customers = Callable[..., Customer]

FLIGHT = "BCN-KBP-0622"
SIXTEEN = range(16)
EMAIL, SOURCE = "everybody@example.com", "127.99.99.99"


class Request:
    """One customer's wish for a seat, without a card, which may be sent again."""

    def __init__(self, customer: Customer, seat: str, key: str) -> None:
        self.customer, self.key = customer, key
        self.body = {**customer.request(seat, method=None, bags=0), "flight_id": FLIGHT}
        self.booking_id = booking_id_for(key)
        customer.secrets[self.booking_id] = secret_for(key)

    def send(self) -> httpx.Response:
        """Sends it."""
        return self.customer.post(self.body, self.key)

    def give_up(self) -> None:
        """The seat is given back."""
        self.customer.waiting(self.booking_id)
        self.customer.cancel(self.booking_id)
        assert self.customer.outcome(self.booking_id)["status"] == "CANCELLED"


def sent_at_once(requests: list[Request]) -> list[int]:
    """The statuses of the answers."""
    together = Barrier(len(requests))

    def send(request: Request) -> int:
        together.wait()
        return request.send().status_code

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


@pytest.mark.parametrize(
    ("row", "who", "problem"),
    [
        (20, {"email": EMAIL}, "urn:leleka:problem:too-many-holds"),
        (24, {"source": SOURCE}, "urn:leleka:problem:too-many-holds-from-source"),
    ],
)
def test_of_sixteen_at_once_nine_get_through(
    customer: Customers, promises: Promises, row: int, who: dict[str, str], problem: str
) -> None:
    """One customer at sixteen addresses, and sixteen customers at one address. Of the others nothing is kept: they may
    send the same request again, and get through when one of the nine has paid."""
    seats = [f"{row + number // 6}{'ABCDEF'[number % 6]}" for number in SIXTEEN]
    requests = [Request(customer(**who), seat, f"hold-limits-of-row-{row}-{seat}") for seat in seats]
    statuses = sent_at_once(requests)
    assert Counter(statuses) == {202: 9, 429: 7}
    held = [request for request, status in zip(requests, statuses, strict=True) if status == 202]
    refused = [request for request, status in zip(requests, statuses, strict=True) if status == 429]

    answer = refused[0].send()
    assert_problem(answer, 429, None)
    assert answer.json()["type"] == problem
    assert "nothing was kept" in answer.json()["detail"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 900
    nothing = refused[0].customer.get(f"/bookings/{refused[0].booking_id}", secret_for(refused[0].key))
    assert nothing.status_code == 404

    again = held[0].send()
    assert (again.status_code, again.json()["booking_id"]) == (202, held[0].booking_id)

    paid = held.pop()
    paid.customer.waiting(paid.booking_id)
    assert paid.customer.pay(paid.booking_id).status_code == 202
    assert paid.customer.outcome(paid.booking_id)["status"] == "CONFIRMED"
    assert [request.send().status_code for request in refused[:2]] == [202, 429]

    for request in [*held, refused[0]]:
        request.give_up()
    promises.hold()
    _every_claim_has_its_booking_and_nobody_is_named(promises)


def test_the_source_is_the_other_end_of_the_connection(customer: Customers, promises: Promises, seat: str) -> None:
    """Each address is a source of its own, and what a client says of itself in a header is none."""
    olena = customer(source="127.99.0.1")
    key = "hold-limits-of-another-source"
    answer = olena.post(olena.request(seat), key, **{"X-Forwarded-For": "9.9.9.9", "Forwarded": "for=9.9.9.9"})
    assert answer.status_code == 202
    holders = {row["holder"]: row["claims"] for row in promises.rows("HoldLimitsTable")}
    _, here = holders_of(olena.email, "127.99.0.1", LIMITS)
    assert list(holders[here.key]) == [booking_id_for(key)]
    for address in ("9.9.9.9", "127.0.0.1"):
        _, elsewhere = holders_of(olena.email, address, LIMITS)
        assert booking_id_for(key) not in holders.get(elsewhere.key, {})
    olena.secrets[booking_id_for(key)] = secret_for(key)
    assert olena.outcome(booking_id_for(key))["status"] == "CONFIRMED"
    promises.hold()


def _every_claim_has_its_booking_and_nobody_is_named(promises: Promises) -> None:
    rows: list[dict[str, Any]] = promises.rows("HoldLimitsTable")
    claimed = {booking_id for row in rows for booking_id in row["claims"]}
    assert claimed <= {row["booking_id"] for row in promises.rows("BookingsTable")}
    assert EMAIL not in repr(rows)
    assert SOURCE not in repr(rows)
