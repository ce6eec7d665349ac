"""The quota table (flight_id, free) and the baggage ledger; both change in one transaction."""

from typing import TYPE_CHECKING, Any

from chalicelib.shared import ledger
from chalicelib.shared.dynamo import ConditionFailed, Item, from_item, to_item, verdicts
from chalicelib.shared.errors import AlreadyCompensated, BaggageFull, StoreBusy
from chalicelib.shared.ledger import LedgerState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_RELEASE_ATTEMPTS = 3


class BaggageStore:
    """Conditional writes on the quota."""

    def __init__(self, client: "DynamoDBClient", quota_table: str, ledger_table: str) -> None:
        self._client = client
        self._quota = quota_table
        self._ledger = ledger_table

    def reserve(self, booking_id: str, flight_id: str, bags: int) -> None:
        """Takes ``bags`` of the quota. The same booking again changes nothing.

        Raises:
            BaggageFull, AlreadyCompensated: nothing was written.
            StoreBusy: no verdict.
        """
        row = ledger.open_row(self._ledger, booking_id, flight_id=flight_id, bags=bags)
        take = self._quota_update(flight_id, -bags, condition="#free >= :bags", values={":bags": bags})
        try:
            # Without bags there is no quota to touch, but the row is opened all the same: it is what a repeated or
            # late step meets.
            self._write(row, *([take] if bags else []))
        except ConditionFailed as refused:
            existing = refused.items[0]
            if existing is None:
                raise BaggageFull(f"flight {flight_id} has no room for {bags} more bags") from refused
            if existing["state"] == LedgerState.RELEASED:
                raise AlreadyCompensated("the baggage was released before this arrived; none was taken") from refused

    def release(self, booking_id: str) -> int:
        """Gives back what the ledger says, closes the row, and returns the number of bags that came free.

        Raises:
            StoreBusy: the ledger row kept changing; nothing is lost, call again.
        """
        for _ in range(_RELEASE_ATTEMPTS):
            try:
                return self._release_from(self._row(booking_id), booking_id)
            except ConditionFailed:
                continue  # the row moved between the read and the write: look again
        raise StoreBusy(f"the baggage ledger of {booking_id} changed {_RELEASE_ATTEMPTS} times during the release")

    def _release_from(self, row: Item | None, booking_id: str) -> int:
        if row is None:
            with verdicts():
                self._client.put_item(**ledger.tombstone(self._ledger, booking_id))
            return 0
        if row["state"] == LedgerState.RELEASED:
            return 0
        bags: int = row["bags"]
        close = ledger.move_row(self._ledger, booking_id, before=LedgerState(row["state"]), after=LedgerState.RELEASED)
        self._write(close, *([self._quota_update(row["flight_id"], bags)] if bags else []))
        return bags

    def _row(self, booking_id: str) -> Item | None:
        with verdicts():
            found = self._client.get_item(
                TableName=self._ledger, Key=to_item({"booking_id": booking_id}), ConsistentRead=True
            )
        item = found.get("Item")
        return from_item(item) if item else None

    def _quota_update(
        self, flight_id: str, change: int, condition: str = "attribute_exists(#free)", values: Item | None = None
    ) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._quota,
                "Key": to_item({"flight_id": flight_id}),
                "UpdateExpression": "SET #free = #free + :change",
                "ConditionExpression": condition,
                "ExpressionAttributeNames": {"#free": "free"},
                "ExpressionAttributeValues": to_item({":change": change, **(values or {})}),
            }
        }

    def _write(self, *entries: Any) -> None:
        with verdicts():
            self._client.transact_write_items(TransactItems=list(entries))
