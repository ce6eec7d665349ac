"""The two servers of the storms, the tables in them, and a look at what stands there afterwards."""

import random
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import redis

from chalicelib.shared.dynamo import Item, from_item, to_item
from leleka.own_stage import LOCK_TIMEOUT_MS
from leleka.seed.data import load_fleet
from leleka.seed.items import seats_of
from leleka.stack import RunningStack, StackConfig, temporary_stack
from leleka.stage import REGION
from tests.benchmarks.performance.storm.verdicts import Aftermath, Customer
from tests.benchmarks.performance.tables import create_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TABLES = {"SeatsTable": "seats", "SeatLedgerTable": "seat-ledger"}
_AIRCRAFT = "B738"


@contextmanager
def servers() -> Iterator[RunningStack]:
    """LocalStack, of which only DynamoDB is used, and Valkey, for the length of the block."""
    with (
        tempfile.TemporaryDirectory(prefix="leleka-storm-") as folder,
        temporary_stack(StackConfig(Path(folder))) as running,
    ):
        yield running


def variables(running: RunningStack, lock_url: str) -> dict[str, str]:
    """What the function is told on these servers."""
    return {
        **credentials(running),
        "SEATS_TABLE": _TABLES["SeatsTable"],
        "SEAT_LEDGER_TABLE": _TABLES["SeatLedgerTable"],
        "LOCK_URL": lock_url,
        "LOCK_TIMEOUT_MS": LOCK_TIMEOUT_MS,
    }


def credentials(running: RunningStack) -> dict[str, str]:
    """What a client of LocalStack needs."""
    return {
        "AWS_ENDPOINT_URL": running.gateway_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


class World:
    """The tables of the seat service, empty at first, and the locks."""

    def __init__(self, running: RunningStack) -> None:
        self._client: DynamoDBClient = boto3.client(
            "dynamodb",
            region_name=REGION,
            endpoint_url=running.gateway_url,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - LocalStack asks for none
        )
        self._valkey = redis.Redis.from_url(running.valkey_url, socket_timeout=5)
        create_tables(self._client, _TABLES)

    def put_on_sale(self, flight_id: str, seats: int) -> list[str]:
        """A new flight with the first so many seats of a 737-800; their numbers."""
        places = seats_of(load_fleet()[_AIRCRAFT])[:seats]
        for place in places:
            self._client.put_item(TableName=_TABLES["SeatsTable"], Item=to_item({"flight_id": flight_id, **place}))
        return [str(place["seat"]) for place in places]

    def commands(self) -> Counter[str]:
        """What Valkey has run so far."""
        stats: Any = self._valkey.info("commandstats")
        found = Counter({name.removeprefix("cmdstat_"): int(each["calls"]) for name, each in stats.items()})
        del found["info"]  # ours
        return found

    def aftermath(self, flight_id: str) -> Aftermath:
        """What stands of the flight now."""
        keys = list(self._valkey.scan_iter(match=f"seat:{flight_id}:*", count=1000))
        owners: list[Any] = self._valkey.mget(keys) if keys else []
        seats = self._rows(
            "query",
            TableName=_TABLES["SeatsTable"],
            KeyConditionExpression="flight_id = :flight",
            ExpressionAttributeValues={":flight": {"S": flight_id}},
        )
        locks = {key.decode(): owner.decode() for key, owner in zip(keys, owners, strict=True)}
        return Aftermath(seats, self._rows("scan", TableName=_TABLES["SeatLedgerTable"]), locks)

    def _rows(self, operation: Any, **asked: Any) -> list[Item]:
        pages = self._client.get_paginator(operation).paginate(ConsistentRead=True, **asked)
        return [from_item(item) for page in pages for item in page["Items"]]


def crowd(flight_id: str, seats: list[str], customers: int, order: random.Random) -> list[Customer]:
    """So many customers, as many for each seat as for any other, in a random order."""
    wanted = [
        Customer(f"bk-{flight_id}-{number}", secrets.token_hex(16), flight_id, seats[number % len(seats)])
        for number in range(customers)
    ]
    order.shuffle(wanted)
    return wanted
