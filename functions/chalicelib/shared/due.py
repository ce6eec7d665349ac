"""The due index: what somebody has to look at again is found by its time, never by a scan.

A row carries ``due_shard`` and ``due_at_s`` while work on it is unfinished, and only then it is in the table's index
``due``. Whoever claims a row moves its time ahead by a lease, with a condition on the time that it saw: two claimers
never get the same row, and a claimer that dies gives it back by the passing of time.
"""

import random
import zlib
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.shared.clock import Clock
from chalicelib.shared.dynamo import ConditionFailed, Item, from_item, to_item, verdicts
from chalicelib.shared.errors import StoreBusy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

INDEX = "due"
SHARDS = ("0", "1", "2", "3")
FOR_THE_OPERATOR_S = 4_102_444_800
"""The year 2100: a time that no claim reaches, for rows that wait for a person. They stay in the index, where the
operator's list finds them, and cost the reconciler nothing."""

NO_LONGER_DUE = "REMOVE due_shard, due_at_s"
"""The part of an update expression that takes a row from the index; it does no harm where the row is not in it."""


class DueRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the index. ``state`` is its state, or status, when it was seen."""

    booking_id: str
    due_at_s: int
    state: str


class DueQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Takes the ``done`` rows from the index, then looks at one booking's row or claims up to ``limit`` due ones."""

    booking_id: str | None = None
    limit: Annotated[int, Meta(ge=0, le=100)] = 0
    lease_s: Annotated[int, Meta(ge=1, le=86_400)] = 300
    done: list[DueRow] = []


class DueRows(msgspec.Struct, frozen=True):
    """The rows that were asked for."""

    rows: list[DueRow]


def due(booking_id: str, at_s: int) -> dict[str, Any]:
    """The attributes of a row that is due at that instant."""
    return {"due_shard": shard_of(booking_id), "due_at_s": at_s}


def shard_of(booking_id: str) -> str:
    """Which part of the index the booking's rows are in, so that no one partition takes all writes."""
    return SHARDS[zlib.crc32(booking_id.encode()) % len(SHARDS)]


class DueIndex:
    """The index of one table with one row a booking.

    Args:
        client: of DynamoDB.
        table: the table.
        state: the name of the attribute that tells the row's state.
    """

    def __init__(self, client: "DynamoDBClient", table: str, state: str = "state") -> None:
        self._client = client
        self._table = table
        self._state = state

    def claim(self, now_s: int, lease_s: int, limit: int) -> list[Item]:
        """Up to ``limit`` rows that are due, the oldest of each shard first; nobody else gets them for ``lease_s``.

        Raises:
            StoreBusy: no row was claimed, and no verdict on whether there is one.
        """
        claimed: list[Item] = []
        try:
            for shard in random.sample(SHARDS, len(SHARDS)):
                for row in self._due_in(shard, now_s, limit - len(claimed)):
                    claimed += self._claim(row, now_s + lease_s)
        except StoreBusy:
            if not claimed:
                raise
        return claimed

    def look(self, booking_id: str) -> Item | None:
        """The booking's row as it stands, whatever its time; None if it is not in the index."""
        with verdicts():
            found = self._client.get_item(
                TableName=self._table, Key=to_item({"booking_id": booking_id}), ConsistentRead=True
            )
        row = from_item(found.get("Item", {}))
        return row if "due_shard" in row else None

    def done(self, row: DueRow) -> bool:
        """Takes the row from the index; false if it has changed since it was seen, and stays."""
        try:
            with verdicts():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item({"booking_id": row.booking_id}),
                    UpdateExpression=NO_LONGER_DUE,
                    ConditionExpression="due_at_s = :seen AND #state = :state",
                    ExpressionAttributeNames={"#state": self._state},
                    ExpressionAttributeValues=to_item({":seen": row.due_at_s, ":state": row.state}),
                )
        except ConditionFailed:
            return False
        return True

    def row_of(self, item: Item) -> DueRow:
        """What the reconciler is told of a row."""
        return DueRow(item["booking_id"], item["due_at_s"], item[self._state])

    def items(self, query: DueQuery, clock: Clock) -> list[Item]:
        """Does what the query says, and returns the rows in full.

        Raises:
            StoreBusy: no verdict; the same may be asked again.
        """
        for row in query.done:
            self.done(row)
        if query.booking_id is not None:
            item = self.look(query.booking_id)
            return [item] if item else []
        return self.claim(clock(), query.lease_s, query.limit) if query.limit else []

    def answer(self, query: DueQuery, clock: Clock) -> DueRows:
        """Does what the query says.

        Raises:
            StoreBusy: no verdict; the same may be asked again.
        """
        return DueRows([self.row_of(item) for item in self.items(query, clock)])

    def _due_in(self, shard: str, now_s: int, limit: int) -> list[Item]:
        if limit <= 0:
            return []
        with verdicts():
            found = self._client.query(
                TableName=self._table,
                IndexName=INDEX,
                KeyConditionExpression="due_shard = :shard AND due_at_s <= :now",
                ExpressionAttributeValues=to_item({":shard": shard, ":now": now_s}),
                Limit=limit,
            )
        return [from_item(item) for item in found["Items"]]

    def _claim(self, row: Item, until_s: int) -> list[Item]:
        """The row if it is the caller's now; none if it was finished, or another claimer was quicker."""
        try:
            with verdicts():
                updated = self._client.update_item(
                    TableName=self._table,
                    Key=to_item({"booking_id": row["booking_id"]}),
                    UpdateExpression="SET due_at_s = :until",
                    ConditionExpression="due_at_s = :seen",
                    ExpressionAttributeValues=to_item({":until": until_s, ":seen": row["due_at_s"]}),
                    ReturnValues="ALL_NEW",
                )
        except ConditionFailed:
            return []
        return [from_item(updated["Attributes"])]
