"""The fares table, keyed by flight and cabin. Read only; seeding writes it."""

from typing import TYPE_CHECKING

import msgspec

from chalicelib.pricing.models import Fare
from chalicelib.shared.dynamo import from_item, to_item, verdicts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class FareStore:
    """Fares by flight."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def find(self, flight_id: str, cabin: str) -> Fare | None:
        """The fare of one cabin, or None."""
        with verdicts():
            found = self._client.get_item(TableName=self._table, Key=to_item({"flight_id": flight_id, "cabin": cabin}))
        item = found.get("Item")
        return msgspec.convert(from_item(item), Fare) if item else None

    def of_flight(self, flight_id: str) -> list[Fare]:
        """All fares of a flight; empty when there is none."""
        with verdicts():
            found = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#flight = :flight",
                ExpressionAttributeNames={"#flight": "flight_id"},
                ExpressionAttributeValues=to_item({":flight": flight_id}),
            )
        return [msgspec.convert(from_item(item), Fare) for item in found["Items"]]
