"""The ledger: one row a booking in each reserving service, written in the same transaction as the resource.

::

            reserve                 confirm
    (none) ─────────▶ HELD ───────────────────▶ CONFIRMED
       │               │ release                   │ release
       │ release       ▼                           │
       └───────────▶ RELEASED ◀────────────────────┘

RELEASED is final, and a compensation leaves it even where it finds nothing, so that a forward step which arrives after
its own compensation is refused. The row, not DynamoDB's ten-minute request token, is what makes a step idempotent. It
expires half a year later, when no step of its booking can be on its way any more: a saga ends within hours, a message
that was set aside within weeks, and the name of an execution comes free after ninety days.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from chalicelib.shared.clock import Clock, system_clock
from chalicelib.shared.due import NO_LONGER_DUE
from chalicelib.shared.dynamo import ConditionFailed, Item, from_item, to_item, verdicts
from chalicelib.shared.errors import StoreBusy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RELEASED_ROW_TTL_S = 180 * 86_400
_RELEASE_ATTEMPTS = 3


class LedgerState(StrEnum):
    """Where a booking stands with one service."""

    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"


class Ledger:
    """The ledger table of one service."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Clock = system_clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def find(self, booking_id: str) -> Item | None:
        """The booking's row, or None."""
        with verdicts():
            found = self._client.get_item(
                TableName=self._table, Key=to_item({"booking_id": booking_id}), ConsistentRead=True
            )
        item = found.get("Item")
        return from_item(item) if item else None

    def open_row(self, booking_id: str, **details: Any) -> dict[str, Any]:
        """A transaction entry: the booking's first row here, HELD. Refused when any row exists; the old one comes
        back."""
        return {"Put": self._first_row({"booking_id": booking_id, "state": LedgerState.HELD, **details})}

    def move_row(self, booking_id: str, *, before: LedgerState, after: LedgerState) -> dict[str, Any]:
        """A transaction entry: from one state to the next, which needs no looking after. Refused when the row is in any
        other state."""
        values: dict[str, Any] = {":before": before, ":after": after}
        sets = "#state = :after"
        if after is LedgerState.RELEASED:
            values[":expires_at_s"] = self._released_until_s()
            sets += ", expires_at_s = :expires_at_s"
        return {
            "Update": {
                "TableName": self._table,
                "Key": to_item({"booking_id": booking_id}),
                "UpdateExpression": f"SET {sets} {NO_LONGER_DUE}",
                "ConditionExpression": "#state = :before",
                "ExpressionAttributeNames": {"#state": "state"},
                "ExpressionAttributeValues": to_item(values),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def leave_lock(self, booking_id: str, **details: Any) -> None:
        """Adds the details of a lock that is left to the booking's row, unless that is HELD or there is none."""
        sets = ", ".join(f"{name} = :{name}" for name in details)
        try:
            with verdicts():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item({"booking_id": booking_id}),
                    UpdateExpression=f"SET {sets}",
                    ConditionExpression="attribute_exists(booking_id) AND #state <> :held",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues=to_item(
                        {":held": LedgerState.HELD, **{f":{name}": value for name, value in details.items()}}
                    ),
                )
        except ConditionFailed:
            return  # what is held is compensated, and its lock with it

    def release[Given](self, booking_id: str, give_back: Callable[[Item], Given], nothing: Given) -> Given:
        """What every compensation does: ``give_back`` gets the row and gives back what it stands for, and closes it in
        that same transaction. Where there is no row, one is left that says RELEASED; where it says so, nothing is done.

        Raises:
            StoreBusy: the row kept changing between look and write; nothing is lost, call again.
        """
        for _ in range(_RELEASE_ATTEMPTS):
            row = self.find(booking_id)
            try:
                if row is None:
                    self._leave_released(booking_id)
                    return nothing
                return nothing if row["state"] == LedgerState.RELEASED else give_back(row)
            except ConditionFailed:
                continue  # the row moved between the read and the write: look again
        raise StoreBusy(f"the ledger row of {booking_id} changed {_RELEASE_ATTEMPTS} times during the release")

    def _leave_released(self, booking_id: str) -> None:
        row = {"booking_id": booking_id, "state": LedgerState.RELEASED, "expires_at_s": self._released_until_s()}
        with verdicts():
            self._client.put_item(**self._first_row(row))

    def _released_until_s(self) -> int:
        return self._clock() + RELEASED_ROW_TTL_S

    def _first_row(self, row: Item) -> Any:
        return {
            "TableName": self._table,
            "Item": to_item(row),
            "ConditionExpression": "attribute_not_exists(#booking_id)",
            "ExpressionAttributeNames": {"#booking_id": "booking_id"},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
