"""The ledger: one row a booking in each reserving service, written in the same transaction as the resource.

::

            reserve                 confirm
    (none) ─────────▶ HELD ───────────────────▶ CONFIRMED
       │               │ release                   │ release
       │ release       ▼                           │
       └───────────▶ RELEASED ◀────────────────────┘

RELEASED is final, and a compensation leaves it even where it finds nothing, so that a forward step which arrives after
its own compensation is refused. The row, not DynamoDB's ten-minute request token, is what makes a step idempotent.
"""

from enum import StrEnum
from typing import Any

from chalicelib.shared.dynamo import to_item


class LedgerState(StrEnum):
    """Where a booking stands with one service."""

    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"


def open_row(table: str, booking_id: str, **details: Any) -> dict[str, Any]:
    """A transaction entry: the booking's first row here, HELD. Refused when any row exists; the old one comes back."""
    return {
        "Put": {
            "TableName": table,
            "Item": to_item({"booking_id": booking_id, "state": LedgerState.HELD, **details}),
            "ConditionExpression": "attribute_not_exists(#booking_id)",
            "ExpressionAttributeNames": {"#booking_id": "booking_id"},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def move_row(table: str, booking_id: str, *, before: LedgerState, after: LedgerState) -> dict[str, Any]:
    """A transaction entry: from one state to the next. Refused when the row is in any other state."""
    return {
        "Update": {
            "TableName": table,
            "Key": to_item({"booking_id": booking_id}),
            "UpdateExpression": "SET #state = :after",
            "ConditionExpression": "#state = :before",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": to_item({":before": before, ":after": after}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def tombstone(table: str, booking_id: str) -> dict[str, Any]:
    """Arguments of put_item: RELEASED where no row was, so that a late forward step finds the door closed."""
    return {
        "TableName": table,
        "Item": to_item({"booking_id": booking_id, "state": LedgerState.RELEASED}),
        "ConditionExpression": "attribute_not_exists(#booking_id)",
        "ExpressionAttributeNames": {"#booking_id": "booking_id"},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
