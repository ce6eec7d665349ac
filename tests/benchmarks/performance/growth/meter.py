"""Counts what a client asks of DynamoDB, at botocore's seam."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from tests.benchmarks.work.counted import query_units, row_bytes

_READ_UNIT_BYTES = 4096
_QUERY_UNITS_MIN = 0.5  # what finds nothing costs the same as what finds little


class Work(msgspec.Struct, frozen=True):
    """What was asked, as DynamoDB would bill it.

    Attributes:
        requests: by operation.
        rows_read: rows that a request had to look at: all that its key condition, or its scan, went through.
        rows_returned: rows that came back.
        rows_written: rows that writes named, whether their conditions held or not.
        read_units: by the sizes of the rows that came back.
    """

    requests: Mapping[str, int]
    rows_read: int
    rows_returned: int
    rows_written: int
    read_units: float

    @property
    def total(self) -> int:
        """All requests."""
        return sum(self.requests.values())


class Meter:
    """Listens to one client from now on."""

    def __init__(self, client: Any) -> None:
        self._requests: Counter[str] = Counter()
        self._read = self._returned = self._written = 0
        self._units = 0.0
        self._asked: Mapping[str, Any] = {}
        client.meta.events.register("before-parameter-build.dynamodb", self._note_request)
        client.meta.events.register("after-call.dynamodb", self._note_answer)

    @contextmanager
    def measured(self) -> Iterator[list[Work]]:
        """Puts the work of the block into the list, when it has ended."""
        self._requests.clear()
        self._read = self._returned = self._written = 0
        self._units = 0.0
        found: list[Work] = []
        yield found
        found.append(Work(dict(sorted(self._requests.items())), self._read, self._returned, self._written, self._units))

    def _note_request(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        self._asked = params
        self._requests[model.name] += 1
        if model.name == "TransactWriteItems":
            self._written += len(params["TransactItems"])
        elif model.name in {"PutItem", "UpdateItem", "DeleteItem"}:
            self._written += 1

    def _note_answer(self, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        if model.name in {"Query", "Scan"}:
            self._read += parsed["ScannedCount"]
            self._returned += parsed["Count"]
            units = query_units(map(row_bytes, parsed["Items"]))
            self._units += max(_QUERY_UNITS_MIN, units) * self._times()
        elif model.name == "GetItem":
            found = [parsed["Item"]] if "Item" in parsed else []
            self._read += 1
            self._returned += len(found)
            self._units += max(1, math.ceil(sum(map(row_bytes, found)) / _READ_UNIT_BYTES)) * self._times() / 2

    def _times(self) -> int:
        return 2 if self._asked.get("ConsistentRead") else 1
