"""What keeping a request writes: the booking, its locator, and the claims of those who hold, in one transaction.

A holder's row is replaced as a whole, on the condition that it still is the version that was read. Nothing else writes
these rows.
"""

import secrets
from typing import TYPE_CHECKING, Any, cast

import msgspec

from chalicelib.booking.models import BookingStatus, Claim, Claims, PlaceBookingCommand, Seen
from chalicelib.shared.due import due
from chalicelib.shared.dynamo import Item, from_item, to_item, verdicts
from chalicelib.shared.errors import StoreBusy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LOCATOR_TTL_S = 2 * 365 * 86_400  # flights are on sale for a year; then the locator may be another booking's
_FACTS = tuple(Seen.__struct_fields__)


class HolderRow(msgspec.Struct, frozen=True):
    """A holder's claims, and the version of the row in which they were seen; without one there was no row."""

    key: str
    claims: Claims
    version: str | None = None


class PlacingStore:
    """The tables of bookings, of locators and of hold limits, as far as keeping a request writes them."""

    def __init__(
        self, client: "DynamoDBClient", bookings: str, locators: str, hold_limits: str, due_grace_s: int = 120
    ) -> None:
        self._client = client
        self._bookings = bookings
        self._locators = locators
        self._hold_limits = hold_limits
        self._due_grace_s = due_grace_s

    def keep(self, command: PlaceBookingCommand, details: Item, holders: list[HolderRow], keep_s: int) -> Item:
        """Writes the request, its locator and its claims, or nothing, and returns the booking.

        Raises:
            ConditionFailed: booking or locator, in this order, is there already, or a holder's row has another version;
                what stands there comes with the error.
            StoreBusy: no verdict.
        """
        now_s: int = details["created_at_s"]
        item = {**_request(command), **details, **due(command.booking_id, now_s + self._due_grace_s)}
        locator = {
            "record_locator": details["record_locator"],
            "booking_id": command.booking_id,
            "expires_at_s": now_s + _LOCATOR_TTL_S,
        }
        first = [
            _put(self._bookings, item, "attribute_not_exists(#key)", {"#key": "booking_id"}),
            _put(self._locators, locator, "attribute_not_exists(#key)", {"#key": "record_locator"}),
        ]
        self._write([*first, *self._puts(holders, now_s + keep_s)])
        return item

    def claim_again(self, standing: Item, holders: list[HolderRow], now_s: int, keep_s: int) -> Item:
        """Renews the claims of a request whose saga has not begun, and returns the booking.

        Raises:
            ConditionFailed: its saga has begun, another has renewed its claims, or a holder's row has another
                version; what stands there comes with the error.
            StoreBusy: no verdict.
        """
        update = {
            "TableName": self._bookings,
            "Key": to_item({"booking_id": standing["booking_id"]}),
            "UpdateExpression": "SET #claimed = :now",
            "ConditionExpression": "#status = :requested AND #claimed = :seen",
            "ExpressionAttributeNames": {"#status": "status", "#claimed": "claimed_at_s"},
            "ExpressionAttributeValues": to_item(
                {":requested": BookingStatus.REQUESTED, ":seen": standing["claimed_at_s"], ":now": now_s}
            ),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        self._write([{"Update": update}, *self._puts(holders, now_s + keep_s)])
        return {**standing, "claimed_at_s": now_s}

    def find(self, booking_id: str) -> Item | None:
        """The booking as it stands, or None."""
        with verdicts():
            found = self._client.get_item(
                TableName=self._bookings, Key=to_item({"booking_id": booking_id}), ConsistentRead=True
            )
        item = found.get("Item")
        return from_item(item) if item else None

    def look(self, booking_ids: list[str]) -> dict[str, Seen]:
        """What up to a hundred bookings say, in one read; those that are not there are left out.

        Raises:
            StoreBusy: no verdict, or not on all of them.
        """
        names = {f"#{name}": name for name in (*_FACTS, "booking_id")}
        asked: Any = {
            self._bookings: {
                "Keys": [to_item({"booking_id": booking_id}) for booking_id in dict.fromkeys(booking_ids)],
                "ConsistentRead": True,
                "ProjectionExpression": ", ".join(names),
                "ExpressionAttributeNames": names,
            }
        }
        with verdicts():
            found = self._client.batch_get_item(RequestItems=asked)
        if found.get("UnprocessedKeys"):
            raise StoreBusy("DynamoDB did not read all bookings; the call may be repeated")
        items = [from_item(item) for item in found["Responses"].get(self._bookings, [])]
        return {item.pop("booking_id"): msgspec.convert(item, Seen) for item in items}

    def _puts(self, holders: list[HolderRow], expires_at_s: int) -> list[dict[str, Any]]:
        return [self._put_holder(holder, expires_at_s) for holder in holders]

    def _put_holder(self, holder: HolderRow, expires_at_s: int) -> dict[str, Any]:
        claims = {booking_id: msgspec.to_builtins(claim) for booking_id, claim in holder.claims.items()}
        # A version that was never before: a number would come again after the row's time to live.
        row = {"holder": holder.key, "version": secrets.token_hex(8), "claims": claims, "expires_at_s": expires_at_s}
        if holder.version is None:
            return _put(self._hold_limits, row, "attribute_not_exists(#key)", {"#key": "holder"})
        seen = {":seen": holder.version}
        return _put(self._hold_limits, row, "#version = :seen", {"#version": "version"}, seen)

    def _write(self, entries: list[dict[str, Any]]) -> None:
        with verdicts():
            self._client.transact_write_items(TransactItems=cast("Any", entries))


def holder_row(key: str, item: Item | None) -> HolderRow:
    """A row of the table as it was read."""
    if item is None:
        return HolderRow(key, {})
    claims = {
        booking_id: Claim(claim["seat"], int(claim["at_s"]), bool(claim.get("ended")))
        for booking_id, claim in item["claims"].items()
    }
    return HolderRow(key, claims, item["version"])


def _request(command: PlaceBookingCommand) -> Item:
    return {
        "booking_id": command.booking_id,
        "status": BookingStatus.REQUESTED,
        "request_hash": command.request_hash,
        "secret_hash": command.secret_hash,
        "language": command.language,
        "flight_id": command.flight_id,
        "seat": command.seat,
        "bags": command.bags,
        "passenger_name": command.passenger.name,
        "passenger_email": command.passenger.email,
        "payment_method": command.payment_method,
    }


def _put(table: str, item: Item, condition: str, names: dict[str, str], values: Item | None = None) -> dict[str, Any]:
    put = {
        "TableName": table,
        "Item": to_item(item),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    return {"Put": put | ({"ExpressionAttributeValues": to_item(values)} if values else {})}
