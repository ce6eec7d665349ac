"""Writes a seed so that seeding again never undoes a hold, a sale or a taken bag.

A flight goes on sale last, when its seats, fares and quota are there; so the seats of a flight that is not on sale yet
can be written in batches, which know no conditions. A flight that is on sale gets only the seats that it lacks, each
under the condition that it still lacks it, and never a new date: its passengers were sold the old one.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from leleka.seed.data import SeedError, load_fleet, load_schedule
from leleka.seed.items import Item, compute
from leleka.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BATCH = 25  # BatchWriteItem takes no more
_THREADS = 8
_ATTEMPTS = 6
_BACKOFF_S = 0.05
_serializer = TypeSerializer()


@dataclass(frozen=True)
class SeedReport:
    """What a seeding wrote. ``seats_added`` is 0 when everything was there already."""

    flights: int
    seats: int
    seats_added: int
    seconds: float


def seed(stage: Stage, today: date | None = None) -> SeedReport:
    """Computes the seed as of ``today`` (UTC, the present day by default) and writes what the stage lacks.

    Raises:
        SeedError: the files are wrong, or a table could not be written; seeding again goes on where it stopped.
    """
    started = time.monotonic()
    items = compute(today or datetime.now(UTC).date(), load_schedule(), load_fleet())
    try:
        with ThreadPoolExecutor(_THREADS) as pool:
            writer = _Writer(stage.dynamodb, stage.tables, pool)
            on_sale = writer.flights_on_sale()
            added = writer.write_batches("SeatsTable", [s for s in items.seats if s["flight_id"] not in on_sale])
            added += writer.add_missing_seats([seat for seat in items.seats if seat["flight_id"] in on_sale])
            writer.put_if_absent("BaggageQuotaTable", "flight_id", items.quotas)
            writer.write_batches("FaresTable", items.fares)
            writer.put_if_absent("FlightsTable", "flight_id", items.flights)
    except (BotoCoreError, ClientError) as error:
        raise SeedError(f"the tables of stage {stage.name} could not be seeded: {error}") from error
    return SeedReport(len(items.flights), len(items.seats), added, round(time.monotonic() - started, 2))


class _Writer:
    """Bulk access to the stage's tables, by their logical names."""

    def __init__(self, client: "DynamoDBClient", tables: dict[str, str], pool: ThreadPoolExecutor) -> None:
        self._client = client
        self._tables = tables
        self._pool = pool

    def flights_on_sale(self) -> set[str]:
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._tables["FlightsTable"], ProjectionExpression="flight_id", ConsistentRead=True
        )
        return {item["flight_id"]["S"] for page in pages for item in page["Items"]}

    def write_batches(self, table: str, items: list[Item]) -> int:
        """Replaces the items, 25 a request; returns how many."""
        self._in_parallel(lambda batch: self._write_batch(table, batch), batched(items, _BATCH, strict=False))
        return len(items)

    def add_missing_seats(self, seats: list[Item]) -> int:
        """Puts the seats that their flight lacks; returns how many it was."""
        flights = sorted({seat["flight_id"] for seat in seats})
        known = set[tuple[str, str]]().union(*self._in_parallel(self._seats_of, flights))
        return self.put_if_absent("SeatsTable", "seat", [s for s in seats if (s["flight_id"], s["seat"]) not in known])

    def put_if_absent(self, table: str, key: str, items: list[Item]) -> int:
        """Puts each item unless one of its key is there; returns how many were put."""
        return sum(self._in_parallel(lambda item: self._put_if_absent(table, key, item), items))

    def _in_parallel[Argument, Result](
        self, work: Callable[[Argument], Result], arguments: Iterable[Argument]
    ) -> list[Result]:
        return list(self._pool.map(work, arguments))

    def _write_batch(self, table: str, items: Iterable[Item]) -> None:
        name = self._tables[table]
        pending: Any = {name: [{"PutRequest": {"Item": _typed(item)}} for item in items]}
        for attempt in range(_ATTEMPTS):
            pending = self._client.batch_write_item(RequestItems=pending).get("UnprocessedItems")
            if not pending:
                return
            time.sleep(_BACKOFF_S * 2**attempt)
        raise SeedError(f"table {name} did not take {len(pending[name])} items in {_ATTEMPTS} attempts")

    def _put_if_absent(self, table: str, key: str, item: Item) -> bool:
        try:
            self._client.put_item(
                TableName=self._tables[table],
                Item=_typed(item),
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": key},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _seats_of(self, flight_id: str) -> set[tuple[str, str]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._tables["SeatsTable"],
            KeyConditionExpression="#flight = :flight",
            ProjectionExpression="#seat",
            ExpressionAttributeNames={"#flight": "flight_id", "#seat": "seat"},
            ExpressionAttributeValues={":flight": {"S": flight_id}},
            ConsistentRead=True,
        )
        return {(flight_id, item["seat"]["S"]) for page in pages for item in page["Items"]}


def _typed(item: Item) -> dict[str, Any]:
    return {name: _serializer.serialize(value) for name, value in item.items()}
