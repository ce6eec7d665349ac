"""The bookings table. Each change is one conditional write on the state that it leaves.

A booking that is not finished is in the due index, from its request on; so is a confirmed one that is being cancelled.
"""

from typing import TYPE_CHECKING, Any, Literal

from chalicelib.booking.models import BookingStatus
from chalicelib.shared.due import FOR_THE_OPERATOR_S, NO_LONGER_DUE, DueIndex, due
from chalicelib.shared.dynamo import Item, from_item, to_item, verdicts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Returning = Literal["ALL_NEW", "ALL_OLD"]

_PENDING, _WAITING = BookingStatus.PENDING, BookingStatus.AWAITING_PAYMENT
_FINISHED = frozenset({BookingStatus.CONFIRMED, BookingStatus.CANCELLED})


class BookingStore:
    """Bookings by id. ``due_grace_s`` is how long a saga may take before somebody looks whether it still runs."""

    def __init__(self, client: "DynamoDBClient", table: str, locators_table: str, due_grace_s: int = 120) -> None:
        self._client = client
        self._table = table
        self._locators = locators_table
        self._due_grace_s = due_grace_s
        self.due = DueIndex(client, table, "status")

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
        return self._update(
            booking_id,
            update="SET #status = :pending, #method = :method",
            condition="#status = :waiting AND #expires > :now",
            names={"#method": "payment_method", "#expires": "hold_expires_at_s"},
            values={":pending": _PENDING, ":waiting": _WAITING, ":method": payment_method, ":now": now_s},
        )

    def take_payment_method_back(self, booking_id: str) -> None:
        """PENDING becomes AWAITING_PAYMENT without a method again, unless the saga has taken it.

        Raises:
            ConditionFailed: it has moved on.
            StoreBusy: no verdict.
        """
        self._update(
            booking_id,
            update="SET #status = :waiting REMOVE #method",
            condition="#status = :pending AND attribute_not_exists(#taken)",
            names={"#method": "payment_method", "#taken": "payment_method_taken"},
            values={":pending": _PENDING, ":waiting": _WAITING},
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
        return self._update(
            booking_id,
            update="SET #mark = :mark",
            condition="#status = :pending AND attribute_exists(#method)",
            names={"#method": "payment_method", "#mark": name},
            values={":pending": _PENDING, ":mark": value},
        )

    def cancelling(self, booking_id: str, now_s: int) -> Item:
        """A confirmed booking is about to be cancelled, so it is unfinished again.

        Raises:
            ConditionFailed: it is no longer CONFIRMED; the booking comes with the error.
            StoreBusy: no verdict.
        """
        return self._update(
            booking_id,
            update="SET due_shard = :due_shard, due_at_s = :due_at_s",
            condition="#status = :confirmed",
            names={},
            values={
                ":confirmed": BookingStatus.CONFIRMED,
                **_bound(due(booking_id, now_s + self._due_grace_s)),
            },
        )

    def move(
        self,
        booking_id: str,
        before: frozenset[BookingStatus],
        after: BookingStatus,
        due_from_s: int | None = None,
        returning: Returning = "ALL_NEW",
        **changes: Any,
    ) -> Item:
        """Moves a booking from any of the states in ``before`` and returns it as it is then, or was. A finished one
        leaves the due index, one that is flagged stays there for the operator, any other is due the grace after
        ``due_from_s``.

        Raises:
            ConditionFailed: it is in another state, which comes with the error, or there is none (item None).
            StoreBusy: no verdict.
        """
        states = {f":before{index}": state for index, state in enumerate(sorted(before))}
        values = {name: value for name, value in changes.items() if value is not None}
        if after is BookingStatus.NEEDS_ATTENTION:
            values |= due(booking_id, FOR_THE_OPERATOR_S)
        elif due_from_s is not None:
            values |= due(booking_id, due_from_s + self._due_grace_s)
        gone = f"{NO_LONGER_DUE}, #expires" if after in _FINISHED else "REMOVE #expires"
        sets = ", ".join(["#status = :after", *(f"#{name} = :{name}" for name in values)])
        return self._update(
            booking_id,
            # A booking whose saga has begun is kept; only a request that nobody followed up may expire.
            update=f"SET {sets} {gone}",
            condition=f"#status IN ({', '.join(states)})",
            names={"#expires": "expires_at_s", **{f"#{name}": name for name in values}},
            values={":after": after, **states, **_bound(values)},
            returning=returning,
        )

    def _update(
        self,
        booking_id: str,
        *,
        update: str,
        condition: str,
        names: dict[str, str],
        values: dict[str, Any],
        returning: Returning = "ALL_NEW",
    ) -> Item:
        with verdicts():
            updated = self._client.update_item(
                TableName=self._table,
                Key=to_item({"booking_id": booking_id}),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#status": "status", **names},
                ExpressionAttributeValues=to_item(values),
                ReturnValues=returning,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        return from_item(updated["Attributes"])


def _bound(values: Item) -> Item:
    return {f":{name}": value for name, value in values.items()}
