"""Fresh seats in the database, and the check that no failure leaves a second holder or a lock behind."""

import itertools
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import redis

from chalicelib.locking import seat_key
from chalicelib.seat.store import SeatStore
from chalicelib.shared.dynamo import from_item, to_item
from chalicelib.shared.errors import HoldLost
from leleka.stage import REGION, Stage
from tests.functional.locking.seat_worker import FLIGHT, Place, lock_of
from tests.functional.locking.topologies import Node, wait_until

MARGIN_S = 2.0  # what two busy cores may add to a lifetime
_ON_ITS_WAY_S = 0.3  # less than any lifetime here
_GONE = -2  # what PTTL says of a key whose time has just ended
_BATCH = 25  # BatchWriteItem takes no more


class Seats:
    """Seats in tables like the stage's own, which keep to bookings that went through the saga."""

    def __init__(self, stage: Stage) -> None:
        assert stage.aws.gateway_url
        self._dynamodb = stage.dynamodb
        self._table, ledger_table = (f"{name}-of-failures-{os.getpid()}" for name in ("seats", "ledger"))
        self.place = Place(stage.aws.gateway_url, REGION, self._table, ledger_table)
        self._copy_table(stage.tables["SeatsTable"], self._table)
        self._copy_table(stage.tables["SeatLedgerTable"], ledger_table)
        self._store = SeatStore(stage.dynamodb, self._table, ledger_table)
        self._numbers = itertools.count(1)
        self._granted: dict[str, dict[int, str]] = {}

    def end(self) -> None:
        """Removes the tables."""
        for table in (self.place.seats_table, self.place.ledger_table):
            self._dynamodb.delete_table(TableName=table)

    def fresh(self, count: int) -> list[str]:
        """Seats that nobody ever held."""
        seats = [f"{number}A" for number in itertools.islice(self._numbers, count)]
        for batch in itertools.batched(seats, _BATCH, strict=False):
            puts: Any = [{"PutRequest": {"Item": to_item(_seat_item(seat))}} for seat in batch]
            assert not self._dynamodb.batch_write_item(RequestItems={self._table: puts})["UnprocessedItems"]
        self._granted.update({seat: {} for seat in seats})
        return seats

    def item(self, seat: str) -> dict[str, Any]:
        """The seat as the database has it, the only authority."""
        key = to_item({"flight_id": FLIGHT, "seat": seat})
        return from_item(self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)["Item"])

    def items(self) -> dict[str, dict[str, Any]]:
        """All of them at once, by seat."""
        return {item["seat"]: item for item in self._store.seats_of(FLIGHT)}

    def is_over(self, seat: str) -> bool:
        """Whether the seat's hold is as old as it may become."""
        return bool(self.item(seat)["held_until_s"] <= int(time.time()))

    def note(self, seat: str, booking: str, number: int) -> None:
        """A holder was told that it has the seat. Fails if another was told so with the same fencing number."""
        other = self._granted[seat].setdefault(number, booking)
        assert other == booking, f"seat {seat}: {other} and {booking} both hold it with fencing number {number}"

    def forget(self) -> None:
        """What was granted is no concern of the next test."""
        self._granted.clear()

    def check(self, nodes: Iterable[Node], ttl_ms: int, living: Iterable[str] = ()) -> None:
        """Passes if each seat of the test has at most one holder, and every node that answers has no lock but the
        holders' and those of ``living`` lock ids, each with its end. Ends the holds: they are confirmed."""
        items = self.items()
        held = [seat for seat in self._granted if items[seat]["status"] == "HELD"]
        owners = {seat_key(FLIGHT, seat): items[seat]["lock_id"] for seat in held}
        for node in nodes:
            self._check_locks(node, ttl_ms, owners, set(living))
        for seat, granted in self._granted.items():
            self._only_the_last_can_confirm(items[seat], granted)
        self.forget()

    def _check_locks(self, node: Node, ttl_ms: int, owners: dict[str, str], living: set[str]) -> None:
        def orphans() -> dict[str, str]:
            locks = {key.decode(): node.ask("GET", key) for key in node.ask("KEYS", "seat:*")}
            # A lock whose time ended between the two looks has no owner.
            named = {key: owner.decode() for key, owner in locks.items() if owner}
            return {key: owner for key, owner in named.items() if owner not in {owners.get(key), *living}}

        with suppress(redis.ConnectionError, redis.TimeoutError):
            # Nobody waits for the minority's replies to a release, so it may still be on its way there.
            wait_until(lambda: not orphans(), f"the orphans {orphans()} on port {node.port} to go", _ON_ITS_WAY_S)
            for key in node.ask("KEYS", "seat:*"):
                left_ms = node.ask("PTTL", key)
                assert 0 <= left_ms <= ttl_ms or left_ms == _GONE, f"{key!r} ends in {left_ms} ms"

    def _only_the_last_can_confirm(self, item: dict[str, Any], granted: dict[int, str]) -> None:
        seat = item["seat"]
        assert max(granted, default=0) <= item["fencing_number"]
        sold = {number for number, booking in granted.items() if self._confirm(seat, booking, number)}
        assert sold <= {item["fencing_number"]}, f"seat {seat} was sold to {sold} of {granted}"
        if item["status"] == "HELD" and item["fencing_number"] in granted:
            assert sold or item["held_until_s"] <= time.time(), f"seat {seat}: its holder can't confirm"

    def _confirm(self, seat: str, booking: str, number: int) -> bool:
        try:
            self._store.confirm(
                booking_id=booking,
                lock_id=lock_of(booking),
                flight_id=FLIGHT,
                seat=seat,
                fencing_number=number,
                now_s=int(time.time()),
            )
        except HoldLost:
            return False
        return True

    def _copy_table(self, origin: str, name: str) -> None:
        described = self._dynamodb.describe_table(TableName=origin)["Table"]
        used = {part["AttributeName"] for part in described["KeySchema"]}
        attributes = [each for each in described["AttributeDefinitions"] if each["AttributeName"] in used]
        self._dynamodb.create_table(
            TableName=name,
            KeySchema=described["KeySchema"],
            AttributeDefinitions=attributes,
            BillingMode="PAY_PER_REQUEST",
        )


def wait_until_free(node: Node, seat: str, ttl_ms: int) -> None:
    """Waits until the seat's lock is gone from the node, no longer than its lifetime."""
    key = seat_key(FLIGHT, seat)
    wait_until(lambda: not node.client.exists(key), f"{key} to be gone", ttl_ms / 1000 + MARGIN_S)


def _seat_item(seat: str) -> dict[str, Any]:
    place = {"flight_id": FLIGHT, "seat": seat, "row": int(seat[:-1]), "letter": seat[-1], "cabin": "economy"}
    return {**place, "position": "window", "exit_row": False, "status": "AVAILABLE", "fencing_number": 0}
