"""The services' handlers in this process, on tables of their own in the stack's DynamoDB and a database of its own in
its Valkey. A test says when a function dies, whether the lock's server is there, and what time it is."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import redis

from chalicelib import bootstrap
from chalicelib.baggage import handlers as baggage
from chalicelib.booking import handlers as booking
from chalicelib.payment import handlers as payment
from chalicelib.seat import handlers as seat
from chalicelib.shared import clock
from chalicelib.shared.dynamo import Item, from_item, to_item
from chalicelib.shared.errors import LelekaError
from leleka.stack.config import free_ports
from leleka.stage import REGION, Stage
from tests.fakes import FakeClock
from tests.functional.one_saga import Message

FLIGHT, SEATS, CAPACITY = "KBP-BCN-0615", ("12A", "12B"), 3
TTL_S = 900
_READ_ONLY = {"FlightsTable", "FaresTable", "NotificationsTable"}
"""Tables that no step writes."""
_HANDLERS: dict[str, Any] = {
    "CreateBooking": booking.create_booking,
    "AwaitPaymentMethod": booking.await_payment_method,
    "TakePaymentMethod": booking.take_payment_method,
    "ConfirmBooking": booking.confirm_booking,
    "CancelBooking": booking.cancel_booking,
    "ReserveSeat": seat.reserve_seat,
    "RenewSeatLock": seat.renew_seat_lock,
    "ConfirmSeat": seat.confirm_seat,
    "ReleaseSeat": seat.release_seat,
    "ReserveBaggage": baggage.reserve_baggage,
    "ReleaseBaggage": baggage.release_baggage,
}
_CONTEXT = SimpleNamespace(aws_request_id="any-order")


class Killed(BaseException):
    """The function died there. Not an Exception: nothing in it may catch that."""


class Copy:
    """What of a deployed stage is needed to run its services beside it: its settings, and the shapes of its tables."""

    def __init__(self, stage: Stage) -> None:
        self.stage = replace(
            stage,
            tables={name: f"any-order-{name}" for name in stage.tables if name not in _READ_ONLY},
            lock_url=f"{stage.lock_url_here.rpartition('/')[0]}/1",
            aws=replace(stage.aws, lock_url_here=None),  # these services run here, so there is one URL
        )
        self.shapes = {name: _shape(stage, name) for name in self.stage.tables}
        self.variables = {**_variables(stage, self.stage), **_credentials(stage)}


class Services:
    """The services, and a look at everything that they wrote."""

    def __init__(self, copy: Copy, replies: Any) -> None:
        self._copy = copy
        self.stage = copy.stage
        self.clock = FakeClock()
        self.lock_answers = True
        self.calls = 0
        self._kill_in: int | None = None
        self.valkey = redis.Redis.from_url(self.stage.lock_url, socket_timeout=5)
        self._replies = replies

    @contextmanager
    def running(self) -> Iterator[None]:
        """Empty tables, and the handlers told of them; all of it is gone afterwards."""
        fresh = {name: made for name, made in vars(bootstrap).items() if hasattr(made, "cache_clear")}
        with (
            mock.patch.dict(os.environ, self._copy.variables),
            mock.patch.object(clock, "time", SimpleNamespace(time=self.clock)),
            mock.patch.object(bootstrap, "task_replies", return_value=self._replies),
        ):
            _forget(fresh)
            locks = {True: bootstrap.seat_lock(), False: _unreachable_lock()}
            events = bootstrap.booking_store()._client.meta.events
            events.register("before-call.dynamodb", self._maybe_die)
            events.register("after-call.dynamodb", self._maybe_die)
            try:
                self._make_tables()
                with mock.patch.object(bootstrap, "seat_lock", side_effect=lambda: locks[self.lock_answers]):
                    yield
            finally:
                locks[True].close()
                self._remove_tables()
                _forget(fresh)
                self.valkey.close()

    def call(self, handler: Any, event: dict[str, Any], kill_in: int | None = None) -> Any:
        """Invokes a function, which dies at the ``kill_in``-th moment just before or after a call of DynamoDB.

        Raises:
            Killed: it did. LelekaError: what the function raised.
        """
        self._kill_in = kill_in
        try:
            return handler(event, _CONTEXT)
        finally:
            self._kill_in = None

    def deliver(self, message: Message, kill_in: int | None = None) -> Any:
        """Brings a saga's message to its function; a payment's answer goes by its token."""
        if message.state in _HANDLERS:
            return self.call(_HANDLERS[message.state], message.command, kill_in)
        records = [{"messageId": message.token, "body": json.dumps(message.command)}]
        return self.call(payment.carry_out_payments, {"Records": records}, kill_in)

    def place(self, event: dict[str, Any]) -> None:
        """Keeps a booking's request."""
        bootstrap.place_booking()(event)

    def supply(self, booking_id: str, secret: str, method: str, kill_in: int | None = None) -> Any:
        """The customer pays."""
        event = {"ref": booking_id, "secret": secret, "payment_method": method}
        return self.call(booking.supply_payment_method, event, kill_in)

    def time_passes(self, seconds: int) -> None:
        """For the services, and for the locks in Valkey."""
        self.clock.advance(seconds)
        for key, left_ms in self.locks().items():
            if left_ms <= seconds * 1000:
                self.valkey.delete(key)
            else:
                self.valkey.pexpire(key, left_ms - seconds * 1000)

    def locks(self) -> dict[str, int]:
        """The milliseconds that each lock has left; -1 for one without an end."""
        keys: list[bytes] = list(self.valkey.scan_iter(match="seat:*", count=1000))
        return {key.decode(): int(self.valkey.pttl(key)) for key in keys}

    def rows(self, **keys: list[dict[str, str]]) -> dict[str, list[Item]]:
        """The rows of these tables with these keys, in one consistent read each."""
        asked: Any = {
            self.stage.tables[table]: {"Keys": [to_item(key) for key in wanted], "ConsistentRead": True}
            for table, wanted in keys.items()
        }
        found = self.stage.dynamodb.batch_get_item(RequestItems=asked)["Responses"]
        return {table: [from_item(item) for item in found.get(self.stage.tables[table], [])] for table in keys}

    def _maybe_die(self, **_: Any) -> None:
        self.calls += 1
        if self._kill_in is None:
            return
        if self._kill_in == 0:
            raise Killed
        self._kill_in -= 1

    def _make_tables(self) -> None:
        self.valkey.flushdb()
        self._remove_tables()
        for name, copy in self.stage.tables.items():
            self.stage.dynamodb.create_table(TableName=copy, **self._copy.shapes[name])
        self._put("BaggageQuotaTable", {"flight_id": FLIGHT, "free": CAPACITY, "capacity": CAPACITY})
        for each in SEATS:
            place = {"flight_id": FLIGHT, "seat": each, "row": 12, "letter": each[-1], "cabin": "economy"}
            rest = {"position": "window", "exit_row": False, "status": "AVAILABLE", "fencing_number": 0}
            self._put("SeatsTable", {**place, **rest})

    def _put(self, table: str, row: Item) -> None:
        self.stage.dynamodb.put_item(TableName=self.stage.tables[table], Item=to_item(row))

    def _remove_tables(self) -> None:
        here = set(self.stage.dynamodb.list_tables()["TableNames"])
        for copy in here.intersection(self.stage.tables.values()):
            self.stage.dynamodb.delete_table(TableName=copy)


def error_of(call: Any) -> str | None:
    """The error's name with which a function ends, or None if it ended well."""
    try:
        call()
    except LelekaError as error:
        return type(error).__name__
    return None


def _variables(stage: Stage, copy: Stage) -> dict[str, str]:
    """What the deployed functions are told, but for the tables and the lock's server."""
    pages = stage.aws.client("lambda").get_paginator("list_functions").paginate()
    functions = [function for page in pages for function in page["Functions"]]
    told = {
        name: value
        for function in functions
        for name, value in function.get("Environment", {}).get("Variables", {}).items()
    }
    ours = {stage.tables[name]: table for name, table in copy.tables.items()}
    ours[stage.lock_url] = copy.lock_url
    return {**{name: ours.get(value, value) for name, value in told.items()}, "HOLD_TTL_S": str(TTL_S)}


def _credentials(stage: Stage) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": str(stage.aws.gateway_url),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def _shape(stage: Stage, table: str) -> dict[str, Any]:
    """What a table is made of: keys and indexes."""
    like: Any = stage.dynamodb.describe_table(TableName=stage.tables[table])["Table"]
    indexes = [
        {part: index[part] for part in ("IndexName", "KeySchema", "Projection")}
        for index in like.get("GlobalSecondaryIndexes", [])
    ]
    return {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": like["AttributeDefinitions"],
        "KeySchema": like["KeySchema"],
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    }


def _forget(made: dict[str, Any]) -> None:
    for each in made.values():
        each.cache_clear()


def _unreachable_lock() -> Any:
    with mock.patch.dict(os.environ, LOCK_URL=f"redis://127.0.0.1:{free_ports(1)[0]}/0"):
        bootstrap.seat_config.cache_clear()
        bootstrap.seat_lock.cache_clear()
        lock = bootstrap.seat_lock()
    bootstrap.seat_config.cache_clear()
    return lock
