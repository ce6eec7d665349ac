"""The bookings table. Each change is one conditional write on the state that it leaves."""

from typing import TYPE_CHECKING, Any

from chalicelib.booking.models import BookingStatus, PlaceBookingCommand
from chalicelib.shared.dynamo import ConditionFailed, Item, from_item, to_item, verdicts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class BookingStore:
    """Bookings by id."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def place(self, command: PlaceBookingCommand, lock_id: str, now_s: int, expires_at_s: int) -> Item:
        """Writes the request unless the id is in use; returns what stands there now."""
        item: Item = {
            "booking_id": command.booking_id,
            "status": BookingStatus.REQUESTED,
            "request_hash": command.request_hash,
            "flight_id": command.flight_id,
            "seat": command.seat,
            "bags": command.bags,
            "passenger_name": command.passenger.name,
            "passenger_email": command.passenger.email,
            "payment_method": command.payment_method,
            "lock_id": lock_id,
            "created_at_s": now_s,
            "expires_at_s": expires_at_s,
        }
        try:
            with verdicts():
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(item),
                    ConditionExpression="attribute_not_exists(#id)",
                    ExpressionAttributeNames={"#id": "booking_id"},
                )
        except ConditionFailed:
            standing = self.find(command.booking_id)
            if standing is None:  # it expired between the two calls; the caller may simply ask again
                raise
            return standing
        return item

    def find(self, booking_id: str) -> Item | None:
        """The booking as it stands, or None."""
        with verdicts():
            found = self._client.get_item(
                TableName=self._table, Key=to_item({"booking_id": booking_id}), ConsistentRead=True
            )
        item = found.get("Item")
        return from_item(item) if item else None

    def move(self, booking_id: str, before: frozenset[BookingStatus], after: BookingStatus, **changes: Any) -> Item:
        """Moves a booking from any of the states in ``before`` and returns it as it is then.

        Raises:
            ConditionFailed: it is in another state, which comes with the error, or there is none (item None).
            StoreBusy: no verdict.
        """
        states = {f":before{index}": state for index, state in enumerate(sorted(before))}
        values = {name: value for name, value in changes.items() if value is not None}
        sets = ", ".join(["#status = :after", *(f"#{name} = :{name}" for name in values)])
        with verdicts():
            moved = self._client.update_item(
                TableName=self._table,
                Key=to_item({"booking_id": booking_id}),
                # A booking whose saga has begun is kept; only a request that nobody followed up may expire.
                UpdateExpression=f"SET {sets} REMOVE #expires",
                ConditionExpression=f"#status IN ({', '.join(states)})",
                ExpressionAttributeNames={
                    "#status": "status",
                    "#expires": "expires_at_s",
                    **{f"#{name}": name for name in values},
                },
                ExpressionAttributeValues=to_item(
                    {":after": after, **states, **{f":{name}": value for name, value in values.items()}}
                ),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        return from_item(moved["Attributes"])
