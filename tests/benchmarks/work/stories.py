"""What customers do, each as a story that returns the bookings it made, their sagas ended."""

import itertools
from collections.abc import Callable, Iterator

from leleka.stage import Stage
from tests.functional.customer import FLIGHT, Customer, eventually, execution

type Story = Callable[[], list[str]]

_DAY_SEARCH = "/flights?from=KBP&to=BCN"


class Stories:
    """Stories on a stage, each by a customer who is new there and on a seat that no other one uses: who has asked
    before costs one more request."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._customers: list[Customer] = []
        self._seats: Iterator[str] = (f"{row}{letter}" for row, letter in itertools.product(range(18, 31), "ABCDEF"))
        self._taken = next(self._seats)
        self._await(str(self._new().book(self._taken, method=None)["booking_id"]), "AWAITING_PAYMENT")
        self._known = self._ended(next(self._seats), "pm_approved", "CONFIRMED")
        self._looking = self._customers[-1]

    def bookings(self) -> dict[str, Story]:
        """Those that make a booking."""
        return {
            "confirmed": lambda: [self._ended(next(self._seats), "pm_approved", "CONFIRMED")],
            "held, then paid": self._held_then_paid,
            "seat taken": lambda: [self._ended(self._taken, "pm_approved", "CANCELLED")],
            "card declined": lambda: [self._ended(next(self._seats), "pm_declined", "CANCELLED")],
        }

    def requests(self) -> dict[str, Story]:
        """Single requests of a page."""
        secret = self._looking.secrets[self._known]
        return {
            "the page or one of its files": lambda: self._get("/"),
            "a search": lambda: self._get(_DAY_SEARCH),
            "a look at the seats": lambda: self._get(f"/flights/{FLIGHT}/seats"),
            "a look at a booking's saga": lambda: self._get(f"/bookings/{self._known}/saga", secret),
        }

    def close(self) -> None:
        """Ends the connections."""
        for customer in self._customers:
            customer.close()

    def _new(self) -> Customer:
        self._customers.append(Customer(self._stage))
        return self._customers[-1]

    def _held_then_paid(self) -> list[str]:
        customer = self._new()
        booking_id = str(customer.book(next(self._seats), method=None)["booking_id"])
        self._await(booking_id, "AWAITING_PAYMENT")
        # She reads the mail first: one that comes after the payment is not sent, since it is no longer true.
        eventually(lambda: self._is_sent(booking_id, "HELD"), f"{booking_id} gets no mail")
        assert customer.pay(booking_id).status_code == 202
        self._await(booking_id, "CONFIRMED")
        return [booking_id]

    def _ended(self, seat: str, method: str, status: str) -> str:
        booking_id = str(self._new().book(seat, method)["booking_id"])
        self._await(booking_id, status)
        return booking_id

    def _await(self, booking_id: str, status: str) -> None:
        """Looks at the table, since a look through the API would be counted."""
        eventually(lambda: self._status(booking_id) == status, f"{booking_id} does not become {status}")
        if status != "AWAITING_PAYMENT":
            eventually(
                lambda: execution(self._stage, booking_id)["status"] != "RUNNING",
                f"the saga of {booking_id} does not end",
            )

    def _status(self, booking_id: str) -> str:
        key = {"booking_id": {"S": booking_id}}
        found = self._stage.dynamodb.get_item(TableName=self._stage.tables["BookingsTable"], Key=key)
        return str(found["Item"]["status"]["S"])

    def _is_sent(self, booking_id: str, kind: str) -> bool:
        key = {"booking_id": {"S": booking_id}, "kind": {"S": kind}}
        found = self._stage.dynamodb.get_item(TableName=self._stage.tables["NotificationsTable"], Key=key)
        return "sent_at_s" in found.get("Item", {})

    def _get(self, path: str, secret: str | None = None) -> list[str]:
        assert self._looking.get(path, secret).status_code == 200
        return []
