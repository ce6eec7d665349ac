"""The flights table. Read only; seeding writes it. The index lists the flights of a route by departure."""

from typing import TYPE_CHECKING

import msgspec

from chalicelib.flight.models import Flight
from chalicelib.shared.dynamo import Item, from_item, to_item, verdicts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MOST_FLIGHTS = 50


class FlightStore:
    """Flights by id and by route."""

    def __init__(self, client: "DynamoDBClient", table: str, route_index: str) -> None:
        self._client = client
        self._table = table
        self._route_index = route_index

    def find(self, flight_id: str) -> Flight | None:
        """One flight, or None."""
        with verdicts():
            found = self._client.get_item(TableName=self._table, Key=to_item({"flight_id": flight_id}))
        item = found.get("Item")
        return _flight(from_item(item)) if item else None

    def on_route(self, origin: str, destination: str, from_s: int, until_s: int) -> list[Flight]:
        """The flights of a route that depart in these seconds, both ends included; the first 50."""
        with verdicts():
            found = self._client.query(
                TableName=self._table,
                IndexName=self._route_index,
                KeyConditionExpression="#route = :route AND #departs BETWEEN :from AND :until",
                ExpressionAttributeNames={"#route": "route", "#departs": "departs_at_s"},
                ExpressionAttributeValues=to_item(
                    {":route": f"{origin}-{destination}", ":from": from_s, ":until": until_s}
                ),
                Limit=_MOST_FLIGHTS,
            )
        return [_flight(from_item(item)) for item in found["Items"]]


def _flight(item: Item) -> Flight:
    return msgspec.convert(item, Flight)
