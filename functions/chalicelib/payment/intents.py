"""Which PaymentIntent belongs to a booking, kept in the booking's row of the payments table.

Stripe forgets an idempotency key after a day and its search is eventually consistent, so neither finds the intent of a
refund that an operator drives again next week. The row does: the intent's id is written before it is ever confirmed,
so where the row names none, no money was taken; and the mark of ``close`` keeps out an id that comes later.
"""

from typing import TYPE_CHECKING, Any

from chalicelib.shared.dynamo import ConditionFailed, from_item, to_item, verdicts
from chalicelib.shared.errors import AlreadyCompensated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NAMES = {"#intent": "intent_id", "#shut": "intent_shut"}


class IntentStore:
    """The intent's id and the mark that closes it. Every method may raise StoreBusy: no verdict, ask again."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def of(self, booking_id: str) -> str | None:
        """The booking's intent, or None where none was kept yet.

        Raises:
            AlreadyCompensated: ``close`` came first.
        """
        with verdicts():
            found = self._client.get_item(
                TableName=self._table, Key=to_item({"booking_id": booking_id}), ConsistentRead=True
            )
        row = from_item(found.get("Item", {}))
        if row.get("intent_shut"):
            raise _closed(booking_id)
        return row.get("intent_id")

    def keep(self, booking_id: str, intent_id: str) -> str:
        """Keeps the first intent that is named for the booking, and returns that one.

        Raises:
            AlreadyCompensated: ``close`` came first.
        """
        try:
            row = self._write(
                booking_id,
                "SET #intent = if_not_exists(#intent, :value)",
                intent_id,
                ConditionExpression="attribute_not_exists(#shut)",
            )
        except ConditionFailed as shut:
            raise _closed(booking_id) from shut
        return str(row["intent_id"])

    def close(self, booking_id: str) -> str | None:
        """Lets no intent in from now on; returns the one that is in, or None."""
        row = self._write(booking_id, "SET #shut = :value", True)
        return row.get("intent_id")

    def _write(self, booking_id: str, update: str, value: str | bool, **condition: Any) -> dict[str, Any]:
        names = {name: attribute for name, attribute in _NAMES.items() if name in f"{update}{condition}"}
        with verdicts():
            answer = self._client.update_item(
                TableName=self._table,
                Key=to_item({"booking_id": booking_id}),
                UpdateExpression=update,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=to_item({":value": value}),
                ReturnValues="ALL_NEW",
                **condition,
            )
        return from_item(answer["Attributes"])


def _closed(booking_id: str) -> AlreadyCompensated:
    return AlreadyCompensated(f"the payment of {booking_id} was closed before this charge; nothing was charged")
