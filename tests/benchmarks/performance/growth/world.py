"""Tables of any size in moto, in this process. Only their work is counted, never their speed.

Rows that nobody asks for are one row that stands under many keys, so that a million take a dictionary's memory. moto
goes through a whole table for each query, also on an index; a grown table shows it the asked part only, as DynamoDB's
partitions and indexes would. A scan goes through everything.
"""

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from chalicelib import bootstrap
from chalicelib.shared.dynamo import to_item
from leleka.stage import REGION
from tests.benchmarks.performance.tables import create_tables

FLIGHTS, SEATS, BOOKINGS, LEDGER, PAYMENTS = "flights", "seats", "bookings", "seat-ledger", "payments"
_TABLES = {
    "FlightsTable": FLIGHTS,
    "SeatsTable": SEATS,
    "BookingsTable": BOOKINGS,
    "SeatLedgerTable": LEDGER,
    "PaymentsTable": PAYMENTS,
}
_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "FLIGHTS_TABLE": FLIGHTS,
    "SEATS_TABLE": SEATS,
    "SEAT_LEDGER_TABLE": LEDGER,
    "LOCK_URL": "none:",
    "BOOKINGS_TABLE": BOOKINGS,
    "LOCATORS_TABLE": "locators",
    "HOLD_LIMITS_TABLE": "hold-limits",
    "PAYMENTS_TABLE": PAYMENTS,
    "SANDBOX_GATEWAY_TABLE": "gateway",
}

_SIGNATURE = inspect.signature(Table.query)


class GrownTable(Table):
    """A table of moto with rows at rest, which are in no index that is asked."""

    items: Any
    in_use: dict[Any, Any]

    def settle(self, rest: Sequence[str], alike: Any) -> None:
        """From now on what is there is in use, and ``alike`` (a row, or a partition of rows) also stands under the
        other keys."""
        self.in_use = dict(self.items)
        self.items.update((DynamoType({"S": key}), alike) for key in rest)

    def query(self, hash_key: Any, *args: Any, **options: Any) -> Any:
        """moto's, on the partition that is asked, or on the index, which has no row at rest."""
        whole = self.items
        on_index = _SIGNATURE.bind(self, hash_key, *args, **options).arguments.get("index_name")
        self.items = self.in_use if on_index else {hash_key: whole[hash_key]} if hash_key in whole else {}
        try:
            return super().query(hash_key, *args, **options)
        finally:
            self.items = whole

    def put_item(self, *args: Any, **options: Any) -> Any:
        """moto's; the row is in use."""
        item = super().put_item(*args, **options)
        if self.range_key_attr is None:
            self.in_use[item.hash_key] = item
        return item

    def __deepcopy__(self, memo: dict[int, Any]) -> "GrownTable":
        """moto copies tables to undo a transaction that fails; here such a one would end the measurement."""
        return self


@contextmanager
def tables() -> Iterator[Mapping[str, GrownTable]]:
    """The services' tables by name, empty, and the handlers told of them for the length of the block."""
    made = {name: each for name, each in vars(bootstrap).items() if hasattr(each, "cache_clear")}
    with mock.patch.dict(os.environ, _VARIABLES), mock_aws():
        _forget(made)
        create_tables(boto3.client("dynamodb"), _TABLES)
        backend: Any = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION]
        for table in backend.tables.values():
            table.__class__ = GrownTable
            table.in_use = table.items
        try:
            yield backend.tables
        finally:
            _forget(made)


def row(table: GrownTable, values: Mapping[str, Any]) -> Item:
    """Such a row for that table, not yet in it."""
    typed = to_item(values)
    keys = [DynamoType(typed[name]) for name in table.table_key_attrs]
    return Item(keys[0], keys[1] if len(keys) > 1 else None, typed)


def add(table: GrownTable, rows: Sequence[Mapping[str, Any]]) -> None:
    """Puts rows into the table, below its API."""
    for values in rows:
        item = row(table, values)
        if item.range_key is None:
            table.items[item.hash_key] = item
        else:
            table.items[item.hash_key][item.range_key] = item


def _forget(made: Mapping[str, Any]) -> None:
    for each in made.values():
        each.cache_clear()
