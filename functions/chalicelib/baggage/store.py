"""The quota table (flight_id, free) and the baggage ledger; both change in one transaction."""

from typing import TYPE_CHECKING, Any

from chalicelib.shared.dynamo import ConditionFailed, Item, to_item, verdicts
from chalicelib.shared.errors import AlreadyCompensated, BaggageFull
from chalicelib.shared.ledger import Ledger, LedgerState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class BaggageStore:
    """Conditional writes on the quota."""

    def __init__(self, client: "DynamoDBClient", quota_table: str, ledger_table: str) -> None:
        self._client = client
        self._quota = quota_table
        self._ledger = Ledger(client, ledger_table)

    def reserve(self, booking_id: str, flight_id: str, bags: int) -> None:
        """Takes ``bags`` of the quota. The same booking again changes nothing.

        Raises:
            BaggageFull, AlreadyCompensated: nothing was written.
            StoreBusy: no verdict.
        """
        row = self._ledger.open_row(booking_id, flight_id=flight_id, bags=bags)
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
        return self._ledger.release(booking_id, lambda row: self._give_back(booking_id, row), nothing=0)

    def _give_back(self, booking_id: str, row: Item) -> int:
        bags: int = row["bags"]
        close = self._ledger.move_row(booking_id, before=LedgerState(row["state"]), after=LedgerState.RELEASED)
        self._write(close, *([self._quota_update(row["flight_id"], bags)] if bags else []))
        return bags

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
