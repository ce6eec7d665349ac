"""The seats table and the seat ledger. Every write is conditional; both tables change in one transaction.

A seat item: flight_id, seat (keys), row, letter, cabin, position, exit_row, status, fencing_number, and while held or
sold: booking_id, lock_id, held_until_s. A ledger row is in the due index while it is HELD, and while its lock is left.
"""

from typing import TYPE_CHECKING, Any

from chalicelib.seat.models import SeatHold
from chalicelib.seat.refusals import answer_refused_hold, is_sold_to
from chalicelib.shared import metrics
from chalicelib.shared.clock import Clock, system_clock
from chalicelib.shared.due import DueIndex, due
from chalicelib.shared.dynamo import ConditionFailed, Item, from_item, to_item, verdicts
from chalicelib.shared.errors import HoldLimitReached, HoldLost
from chalicelib.shared.ledger import Ledger, LedgerState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class SeatStore:
    """Reads and conditional writes; it decides nothing but what DynamoDB's conditions decide.

    A hold is due ``due_grace_s`` after its end, a lock that could not be released ``lock_due_s`` after that.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        seats_table: str,
        ledger_table: str,
        *,
        due_grace_s: int = 120,
        lock_due_s: int = 60,
        clock: Clock = system_clock,
    ) -> None:
        self._client = client
        self._seats = seats_table
        self._ledger = Ledger(client, ledger_table, clock)
        self._due_grace_s = due_grace_s
        self._lock_due_s = lock_due_s
        self._clock = clock
        self.due = DueIndex(client, ledger_table)

    def hold(
        self, *, booking_id: str, lock_id: str, flight_id: str, seat: str, held_until_s: int, now_s: int
    ) -> SeatHold:
        """Holds the seat and raises its fencing number. The same booking again gets the hold that it has.

        Raises:
            SeatNotFound, SeatTaken, AlreadyCompensated: nothing was written.
            HoldLost: this booking's hold was there and is another's by now.
            StoreBusy: no verdict.
        """
        values = {":held": "HELD", ":free": "AVAILABLE", ":now": now_s, ":until": held_until_s, ":one": 1}
        take_seat = self._seat_update(
            flight_id,
            seat,
            update=(
                "SET #status = :held, #booking = :booking, #lock = :lock, #until = :until, #since = :now "
                "ADD #fencing :one"
            ),
            condition="attribute_exists(#seat) AND (#status = :free OR (#status = :held AND #until <= :now))",
            values={**values, ":booking": booking_id, ":lock": lock_id},
        )
        row = self._ledger.open_row(
            booking_id,
            flight_id=flight_id,
            seat=seat,
            lock_id=lock_id,
            **due(booking_id, held_until_s + self._due_grace_s),
        )
        try:
            self._write(take_seat, row)
        except ConditionFailed as refused:
            answer_refused_hold(refused, flight_id, seat)
        else:
            metrics.count("HoldsPlaced")
        return self._current_hold(booking_id, flight_id, seat)

    def existing_hold(self, booking_id: str, flight_id: str, seat: str) -> SeatHold | None:
        """The hold that an earlier attempt of this booking left, or None."""
        row = self._ledger.find(booking_id)
        if row is None or row["state"] != LedgerState.HELD:
            return None
        return self._current_hold(booking_id, flight_id, seat)

    def confirm(
        self, *, booking_id: str, lock_id: str, flight_id: str, seat: str, fencing_number: int, now_s: int
    ) -> None:
        """Sells the seat to the hold with this owner and this number. The same booking again changes nothing.

        Raises:
            HoldLost: the hold's time is over, or owner or number differ; nothing was written.
            StoreBusy: no verdict.
        """
        sell = self._seat_update(
            flight_id,
            seat,
            update="SET #status = :sold REMOVE #until, #since",
            condition="#lock = :lock AND #fencing = :number AND #status = :held AND #until > :now",
            values={":sold": "SOLD", ":held": "HELD", ":lock": lock_id, ":number": fencing_number, ":now": now_s},
        )
        row = self._ledger.move_row(booking_id, before=LedgerState.HELD, after=LedgerState.CONFIRMED)
        try:
            self._write(sell, row)
        except ConditionFailed as refused:
            if not is_sold_to(refused.items, booking_id, fencing_number):
                raise HoldLost(f"seat {seat} of {flight_id} is no longer held by {booking_id}; not sold") from refused

    def renew(
        self,
        *,
        lock_id: str,
        flight_id: str,
        seat: str,
        fencing_number: int,
        held_until_s: int,
        limits: tuple[int, int],
    ) -> None:
        """Moves the end of the hold with this owner and number. ``limits`` is the present instant and the earliest
        beginning that a hold may have to be extended, both in seconds.

        Raises:
            HoldLost: its time is over, or owner or number differ. HoldLimitReached: it began too long ago.
            StoreBusy: no verdict.
        """
        now_s, earliest_s = limits
        ours = {":lock": lock_id, ":number": fencing_number, ":held": "HELD", ":now": now_s, ":earliest": earliest_s}
        extend = self._seat_update(
            flight_id,
            seat,
            update="SET #until = :until",
            condition=(
                "#lock = :lock AND #fencing = :number AND #status = :held AND #until > :now AND #since > :earliest"
            ),
            values={":until": held_until_s, **ours},
        )
        try:
            self._write(extend)
        except ConditionFailed as refused:
            item = refused.items[0] or {}
            is_ours = item.get("lock_id") == lock_id and item.get("fencing_number") == fencing_number
            if is_ours and item.get("held_until_s", 0) > now_s and item["held_since_s"] <= earliest_s:
                raise HoldLimitReached(f"the hold of {seat} began at {item['held_since_s']}; not extended") from refused
            raise HoldLost(f"seat {seat} of {flight_id} is no longer held by this booking; not extended") from refused
        metrics.count("HoldsRenewed")

    def release(self, booking_id: str) -> bool:
        """Gives back what the ledger says the booking has, and closes its ledger row. True if a seat came free.

        Raises:
            StoreBusy: the ledger row kept changing; nothing is lost, call again.
        """
        return self._ledger.release(booking_id, lambda row: self._give_back(booking_id, row), nothing=False)

    def leave_lock(self, booking_id: str, *, lock_id: str, flight_id: str, seat: str, ttl_ms: int) -> None:
        """Keeps in mind that the lock could not be released, for longer than this process lives. Only where nothing is
        held: the lock of a hold is released with the hold.

        Raises:
            StoreBusy: no verdict.
        """
        now_s = self._clock()
        self._ledger.leave_lock(
            booking_id,
            flight_id=flight_id,
            seat=seat,
            lock_id=lock_id,
            lock_ends_s=now_s + ttl_ms // 1000 + 1,
            **due(booking_id, now_s + self._lock_due_s),
        )

    def seats_of(self, flight_id: str) -> list[Item]:
        """All seat items of a flight; empty when the flight is unknown. One aircraft fits into one page of a query."""
        with verdicts():
            found = self._client.query(
                TableName=self._seats,
                KeyConditionExpression="#flight = :flight",
                ExpressionAttributeNames={"#flight": "flight_id"},
                ExpressionAttributeValues=to_item({":flight": flight_id}),
            )
        return [from_item(item) for item in found["Items"]]

    def _give_back(self, booking_id: str, row: Item) -> bool:
        free_seat = self._seat_update(
            row["flight_id"],
            row["seat"],
            update="SET #status = :free REMOVE #booking, #lock, #until, #since",
            condition="#booking = :booking",
            values={":free": "AVAILABLE", ":booking": booking_id},
        )
        close = self._ledger.move_row(booking_id, before=LedgerState(row["state"]), after=LedgerState.RELEASED)
        try:
            self._write(free_seat, close)
        except ConditionFailed as refused:
            if refused.failed[1]:
                raise
            self._write(close)  # the hold had run out and another booking has the seat: only the row is ours to close
            return False
        return True

    def _current_hold(self, booking_id: str, flight_id: str, seat: str) -> SeatHold:
        with verdicts():
            found = self._client.get_item(
                TableName=self._seats, Key=to_item({"flight_id": flight_id, "seat": seat}), ConsistentRead=True
            )
        item = from_item(found.get("Item", {}))
        if item.get("booking_id") != booking_id:
            raise HoldLost(f"seat {seat} of {flight_id} was held by {booking_id}, and is another's now")
        return SeatHold(
            flight_id=flight_id,
            seat=seat,
            cabin=item["cabin"],
            exit_row=item["exit_row"],
            fencing_number=item["fencing_number"],
            held_until_s=item.get("held_until_s", 0),
        )

    def _seat_update(
        self, flight_id: str, seat: str, *, update: str, condition: str, values: dict[str, Any]
    ) -> dict[str, Any]:
        names = {
            "#seat": "seat",
            "#status": "status",
            "#booking": "booking_id",
            "#lock": "lock_id",
            "#until": "held_until_s",
            "#since": "held_since_s",
            "#fencing": "fencing_number",
        }
        used = {alias: name for alias, name in names.items() if alias in f"{update} {condition}"}
        return {
            "Update": {
                "TableName": self._seats,
                "Key": to_item({"flight_id": flight_id, "seat": seat}),
                "UpdateExpression": update,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": used,
                "ExpressionAttributeValues": to_item(values),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _write(self, *entries: Any) -> None:
        with verdicts():
            self._client.transact_write_items(TransactItems=list(entries))
