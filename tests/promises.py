"""The promises, read off every table, the gateway, the operator's queue and Valkey, by one function.

1 a seat is sold once, and confirmed means owned; 2 money is kept for confirmed bookings only, once; 3 a failed saga
leaves nothing; 4 what could not be undone is raised; 5 one request, one booking; 6 no lock or hold outlives its saga;
8 secrets are kept as hashes only. Promise 7, selling without Valkey, is no state that could be read here; tests without
it show it.
"""

from collections import Counter, defaultdict
from typing import Any

import redis

from chalicelib.shared.dynamo import from_item
from leleka.stage import Stage

type Row = dict[str, Any]


class Promises:
    """Checks a stage of which no saga is at work at the moment."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._valkey = redis.Redis.from_url(stage.lock_url_here, socket_timeout=5)

    def rows(self, table: str) -> list[Row]:
        """All rows of a table."""
        pages = self._stage.dynamodb.get_paginator("scan").paginate(
            TableName=self._stage.tables[table], ConsistentRead=True
        )
        return [from_item(item) for page in pages for item in page["Items"]]

    def locks(self) -> set[str]:
        """The keys of all seat locks."""
        return {key.decode() for key in self._valkey.scan_iter(match="seat:*:lock", count=1000)}

    def hold(self) -> None:
        """Passes if every promise holds; the assertion that fails names the promise."""
        bookings = {row["booking_id"]: row for row in self.rows("BookingsTable")}
        seats = self.rows("SeatsTable")
        self._each_confirmed_booking_owns_its_seat(bookings, seats)
        self._money_is_kept_only_for_confirmed_bookings(bookings)
        self._nothing_is_left_of_the_others(bookings, seats)
        self._bags_add_up(bookings)
        self._one_request_is_one_booking(bookings)
        self._nothing_stuck_is_silent(bookings)
        self._secrets_are_hashes(bookings)

    def _each_confirmed_booking_owns_its_seat(self, bookings: dict[str, Row], seats: list[Row]) -> None:
        owners = {(row["flight_id"], row["seat"]): row["booking_id"] for row in seats if row["status"] == "SOLD"}
        confirmed = {key: row for key, row in bookings.items() if row["status"] == "CONFIRMED"}
        wanted = Counter((row["flight_id"], row["seat"]) for row in confirmed.values())
        assert all(count == 1 for count in wanted.values()), "promise 1: a seat is sold to at most one booking"
        assert {place: owner for place, owner in owners.items() if owner in confirmed} == owners, (
            "promise 1: a sold seat belongs to a confirmed booking"
        )
        for booking_id, row in confirmed.items():
            assert owners.get((row["flight_id"], row["seat"])) == booking_id, "promise 1: confirmed owns its seat"

    def _money_is_kept_only_for_confirmed_bookings(self, bookings: dict[str, Row]) -> None:
        charges = {row["booking_id"]: row for row in self.rows("SandboxGatewayTable")}
        for booking_id, row in bookings.items():
            kept = charges.get(booking_id, {}).get("outcome") == "CHARGED"
            assert kept == (row["status"] == "CONFIRMED"), f"promise 2: money and booking disagree: {booking_id}"
            if kept:
                assert charges[booking_id]["amount_minor"] == row["amount_minor"], f"promise 2: amount: {booking_id}"
        for row in self.rows("PaymentsTable"):
            if row["state"] == "CHARGED":
                assert bookings[row["booking_id"]]["status"] == "CONFIRMED", "promise 2: the ledger keeps a charge"

    def _nothing_is_left_of_the_others(self, bookings: dict[str, Row], seats: list[Row]) -> None:
        for booking_id, row in bookings.items():
            assert row["status"] in {"CONFIRMED", "CANCELLED"}, f"promise 3: {booking_id} is {row['status']}"
        held = [row for row in seats if row["status"] == "HELD"]
        assert not held, f"promise 3: seats are still held: {held}"
        assert self.locks() == set(), "promise 3: locks are left"
        for table in ("SeatLedgerTable", "BaggageLedgerTable"):
            for row in self.rows(table):
                ended = bookings[row["booking_id"]]["status"]
                assert (row["state"] == "RELEASED") == (ended == "CANCELLED"), f"promise 3: {table}: {row}"

    def _bags_add_up(self, bookings: dict[str, Row]) -> None:
        taken: dict[str, int] = defaultdict(int)
        for row in self.rows("BaggageLedgerTable"):
            if row["state"] == "HELD":
                taken[row["flight_id"]] += row["bags"]
        wanted: dict[str, int] = defaultdict(int)
        for row in bookings.values():
            if row["status"] == "CONFIRMED":
                wanted[row["flight_id"]] += row["bags"]
        assert {key: count for key, count in taken.items() if count} == {
            key: count for key, count in wanted.items() if count
        }, "promise 3: bags are taken for confirmed bookings only"
        for row in self.rows("BaggageQuotaTable"):
            assert row["free"] + taken[row["flight_id"]] == row["capacity"], "promise 3: the baggage quota adds up"

    def _one_request_is_one_booking(self, bookings: dict[str, Row]) -> None:
        locators = {row["record_locator"]: row["booking_id"] for row in self.rows("LocatorsTable")}
        assert locators == {row["record_locator"]: booking_id for booking_id, row in bookings.items()}, (
            "promise 5: a locator is one booking, and a booking has one locator"
        )
        for table in ("SeatLedgerTable", "BaggageLedgerTable", "PaymentsTable"):
            unknown = {row["booking_id"] for row in self.rows(table)} - bookings.keys()
            assert not unknown, f"promise 5: {table} knows bookings that nobody made: {unknown}"

    def _nothing_stuck_is_silent(self, bookings: dict[str, Row]) -> None:
        stuck = [booking_id for booking_id, row in bookings.items() if row["status"] == "NEEDS_ATTENTION"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self._stage.aws.client("sqs").get_queue_attributes(
            QueueUrl=self._stage.outputs["OperatorQueue"], AttributeNames=names
        )["Attributes"]
        assert sum(int(counts[name]) for name in names) >= len(stuck), f"promise 4: nobody was told of {stuck}"

    def _secrets_are_hashes(self, bookings: dict[str, Row]) -> None:
        for booking_id, row in bookings.items():
            assert len(bytes.fromhex(row["secret_hash"])) == 32, f"promise 8: {booking_id}"
            assert "secret" not in row, f"promise 8: {booking_id} keeps its secret"
