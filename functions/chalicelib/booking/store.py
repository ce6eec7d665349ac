"""The bookings table. Each change is one conditional write on the state that it leaves."""

from typing import TYPE_CHECKING, Any

from chalicelib.booking.models import BookingStatus, PlaceBookingCommand
from chalicelib.shared.dynamo import ConditionFailed, Item, from_item, to_item, verdicts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class BookingStore:
    """Bookings by id."""

    def __init__(self, client: "DynamoDBClient", table: str, locators_table: str) -> None:
        self._client = client
        self._table = table
        self._locators = locators_table

    def place(
        self, command: PlaceBookingCommand, *, lock_id: str, record_locator: str, now_s: int, expires_at_s: int
    ) -> Item | None:
        """Writes the request and its locator unless the id is in use; returns what stands there now, or None if the
        locator is another booking's.

        Raises:
            ConditionFailed: the earlier request expired just now; the caller may simply ask again.
            StoreBusy: no verdict.
        """
        item: Item = {
            "booking_id": command.booking_id,
            "status": BookingStatus.REQUESTED,
            "request_hash": command.request_hash,
            "secret_hash": command.secret_hash,
            "record_locator": record_locator,
            "language": command.language,
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
        locator = {"record_locator": record_locator, "booking_id": command.booking_id}
        entries: Any = [
            _put_if_absent(self._table, item, "booking_id"),
            _put_if_absent(self._locators, locator, "record_locator"),
        ]
        try:
            with verdicts():
                self._client.transact_write_items(TransactItems=entries)
        except ConditionFailed as refused:
            if not refused.failed[0]:
                return None
            standing = self.find(command.booking_id)
            if standing is None:
                raise
            return standing
        return item

    def booking_id_of(self, record_locator: str) -> str | None:
        """The booking that the locator stands for, or None."""
        with verdicts():
            found = self._client.get_item(
                TableName=self._locators, Key=to_item({"record_locator": record_locator}), ConsistentRead=True
            )
        item = found.get("Item")
        return str(from_item(item)["booking_id"]) if item else None

    def find(self, booking_id: str) -> Item | None:
        """The booking as it stands, or None."""
        with verdicts():
            found = self._client.get_item(
                TableName=self._table, Key=to_item({"booking_id": booking_id}), ConsistentRead=True
            )
        item = found.get("Item")
        return from_item(item) if item else None

    def give_payment_method(self, booking_id: str, payment_method: str, now_s: int) -> Item:
        """AWAITING_PAYMENT becomes PENDING with this payment method, if the hold still stands.

        Raises:
            ConditionFailed: it is in another state, or too late; the booking comes with the error.
            StoreBusy: no verdict.
        """
        with verdicts():
            moved = self._client.update_item(
                TableName=self._table,
                Key=to_item({"booking_id": booking_id}),
                UpdateExpression="SET #status = :pending, #method = :method",
                ConditionExpression="#status = :waiting AND #expires > :now",
                ExpressionAttributeNames={
                    "#status": "status",
                    "#method": "payment_method",
                    "#expires": "hold_expires_at_s",
                },
                ExpressionAttributeValues=to_item(
                    {
                        ":pending": BookingStatus.PENDING,
                        ":waiting": BookingStatus.AWAITING_PAYMENT,
                        ":method": payment_method,
                        ":now": now_s,
                    }
                ),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        return from_item(moved["Attributes"])

    def take_payment_method_back(self, booking_id: str) -> None:
        """PENDING becomes AWAITING_PAYMENT without a method again, unless the saga has taken it.

        Raises:
            ConditionFailed: it has moved on.
            StoreBusy: no verdict.
        """
        with verdicts():
            self._client.update_item(
                TableName=self._table,
                Key=to_item({"booking_id": booking_id}),
                UpdateExpression="SET #status = :waiting REMOVE #method",
                ConditionExpression="#status = :pending AND attribute_not_exists(#taken)",
                ExpressionAttributeNames={
                    "#status": "status",
                    "#method": "payment_method",
                    "#taken": "payment_method_taken",
                },
                ExpressionAttributeValues=to_item(
                    {
                        ":pending": BookingStatus.PENDING,
                        ":waiting": BookingStatus.AWAITING_PAYMENT,
                    }
                ),
            )

    def take_payment_method(self, booking_id: str) -> str:
        """The saga takes the method that was given; from then on it can't be taken back. Repeating changes nothing.

        Raises:
            ConditionFailed: none was given, or it was taken back, or the booking has ended.
            StoreBusy: no verdict.
        """
        return str(self._mark(booking_id, "payment_method_taken", True)["payment_method"])

    def renew_task_token(self, booking_id: str, task_token: str) -> None:
        """The token of a repeated wait, for a booking whose method was given already.

        Raises:
            ConditionFailed: no method was given. StoreBusy: no verdict.
        """
        self._mark(booking_id, "task_token", task_token)

    def _mark(self, booking_id: str, name: str, value: object) -> Item:
        with verdicts():
            marked = self._client.update_item(
                TableName=self._table,
                Key=to_item({"booking_id": booking_id}),
                UpdateExpression="SET #mark = :mark",
                ConditionExpression="#status = :pending AND attribute_exists(#method)",
                ExpressionAttributeNames={"#status": "status", "#method": "payment_method", "#mark": name},
                ExpressionAttributeValues=to_item({":pending": BookingStatus.PENDING, ":mark": value}),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        return from_item(marked["Attributes"])

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


def _put_if_absent(table: str, item: Item, key: str) -> dict[str, Any]:
    return {
        "Put": {
            "TableName": table,
            "Item": to_item(item),
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": key},
        }
    }
