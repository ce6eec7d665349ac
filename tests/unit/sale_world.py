"""A small aircraft on sale: the handlers of booking and seat service over moto's tables, at a time that a test says.

What Step Functions does with them is done here by hand, for bookings that nobody pays.
"""

import itertools
from collections import deque
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib import bootstrap
from chalicelib.booking import handlers as booking
from chalicelib.booking.hold_limits import holders_of
from chalicelib.booking.placing_store import PlacingStore
from chalicelib.booking.store import BookingStore
from chalicelib.seat import handlers as seat
from chalicelib.seat.models import SeatConfig
from chalicelib.seat.store import SeatStore
from chalicelib.shared import clock as shared_clock
from chalicelib.shared.dynamo import from_item, to_item
from chalicelib.shared.errors import SeatTaken
from tests.fakes import FakeClock, FakeLock, FakeReplies
from tests.unit.placing_world import LIMITS, TTL_S

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FLIGHT = "KBP-BCN-0615"
_CONTEXT = SimpleNamespace(aws_request_id="sale")


@dataclass(frozen=True)
class Hold:
    """A seat that is held, and what its saga knows."""

    command: dict[str, Any]
    began_at_s: int
    ends_at_s: int


class Sale:
    """The sale of a flight, and who holds which of its seats."""

    def __init__(
        self, client: "DynamoDBClient", clock: FakeClock, seats: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.clock = clock
        self._client = client
        self._kept: deque[tuple[int, str, dict[str, str]]] = deque()
        self._numbers = itertools.count()
        for name in seats:
            place = {"flight_id": FLIGHT, "seat": name, "row": int(name[:-1]), "letter": name[-1]}
            kind = {"cabin": "economy", "position": "window", "exit_row": False}
            item = to_item({**place, **kind, "status": "AVAILABLE", "fencing_number": 0})
            client.put_item(TableName="seats", Item=item)
        made: dict[str, Any] = {
            "placing_store": PlacingStore(client, "bookings", "locators", "hold-limits"),
            "booking_store": BookingStore(client, "bookings", "locators"),
            "hold_limits": LIMITS,
            "task_replies": FakeReplies(),
            "seat_store": SeatStore(client, "seats", "seat-ledger", clock=clock),
            "seat_lock": FakeLock(),
            "seat_config": SeatConfig("seats", "seat-ledger", "redis://nowhere", hold_ttl_s=TTL_S),
        }
        for name, thing in made.items():
            monkeypatch.setattr(bootstrap, name, lambda thing=thing: thing)
        monkeypatch.setattr(shared_clock, "time", SimpleNamespace(time=clock))

    def hold(self, seat_number: str, email: str, source: str) -> Hold | None:
        """Asks for a seat and lets the saga come to the wait for its payment; None if the seat was another's.

        Raises:
            TryLater: refused, before there is a booking.
        """
        number = next(self._numbers)
        wanted = {"flight_id": FLIGHT, "seat": seat_number}
        request = {**wanted, "booking_id": f"bk-{number}", "request_hash": "-", "secret_hash": "ab" * 32, "bags": 0}
        who = {"passenger": {"name": "Olena", "email": email}, "source": source}
        placed = bootstrap.place_booking()({**request, **who})
        booking_id = placed["booking_id"]
        self._remove("locators", record_locator=placed["record_locator"])
        self._keep(booking_id, email, source)
        ticket = booking.create_booking({"booking_id": booking_id}, _CONTEXT)
        command = {**wanted, "booking_id": booking_id, "lock_id": ticket["lock_id"]}
        try:
            until_s = seat.reserve_seat(command, _CONTEXT)["held_until_s"]
        except SeatTaken:
            booking.cancel_booking({"booking_id": booking_id, "reason": "SeatTaken"}, _CONTEXT)
            return None
        wait = {"booking_id": booking_id, "task_token": f"token-{number}", "hold_expires_at_s": until_s}
        booking.await_payment_method(wait, _CONTEXT)
        return Hold(command, self.clock(), until_s)

    def end(self, hold: Hold) -> None:
        """The saga rolls back: the hold is over, or was given up before."""
        reason = "HoldExpired" if hold.ends_at_s <= self.clock() else "CancelledByCustomer"
        seat.release_seat(hold.command, _CONTEXT)
        booking.cancel_booking({"booking_id": hold.command["booking_id"], "reason": reason}, _CONTEXT)
        self._remove("seat-ledger", booking_id=hold.command["booking_id"])

    def free(self) -> set[str]:
        """The seats that anybody may take now, by the seat map."""
        seats = seat.get_seat_map({"flight_id": FLIGHT}, _CONTEXT)["seats"]
        return {each["seat"] for each in seats if each["status"] == "AVAILABLE"}

    def _keep(self, booking_id: str, email: str, source: str) -> None:
        """Until nobody can ask for it any more, as by the tables' time to live. Moto copies all rows for each
        transaction, so with everything kept this would take minutes."""
        until_s = self.clock() + LIMITS.keep_s
        holders = [("hold-limits", {"holder": holder.key}) for holder in holders_of(email, source, LIMITS)]
        self._kept += [(until_s, *row) for row in [("bookings", {"booking_id": booking_id}), *holders]]
        while self._kept[0][0] <= self.clock():
            _, table, key = self._kept.popleft()
            found = self._client.get_item(TableName=table, Key=to_item(key)).get("Item", {})
            if from_item(found).get("expires_at_s", 0) <= self.clock():
                self._remove(table, **key)

    def _remove(self, table: str, **key: str) -> None:
        self._client.delete_item(TableName=table, Key=to_item(key))
