"""The work of one story, as numbers that can be added, subtracted and compared."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_REPORT = re.compile(r"^REPORT RequestId: \S+\s+Duration: [0-9.]+ ms\s+Billed Duration: (?P<billed_ms>[0-9]+) ms")
_LOG_EVENT_BYTES = 26  # CloudWatch Logs adds this to each event
_WRITE_UNIT_BYTES = 1024
_READ_UNIT_BYTES = 4096


@dataclass(frozen=True)
class Call:
    """One AWS call of a function or a state machine. ``resources`` are what it names, a table by its logical name."""

    caller: str
    name: str
    resources: tuple[str, ...]


@dataclass
class Work:
    """What was done. Counts are exact; ``billed_ms`` is what this machine took."""

    transitions: int = 0
    invocations: Counter[str] = field(default_factory=Counter)
    billed_ms: Counter[str] = field(default_factory=Counter)
    calls: Counter[Call] = field(default_factory=Counter)
    redis: Counter[str] = field(default_factory=Counter)
    log_bytes: int = 0
    state_bytes: int = 0
    largest_row_bytes: int = 0
    api_requests: int = 0

    def counts(self) -> tuple[Any, ...]:
        """What must be the same each time the story is told."""
        return self.transitions, self.invocations, self.calls, self.redis, self.api_requests

    def calls_of(self, service: str) -> Counter[str]:
        """The calls of one service by operation, such as ``UpdateItem``."""
        found: Counter[str] = Counter()
        for call, number in self.calls.items():
            name, _, operation = call.name.partition(":")
            if name == service:
                found[operation] += number
        return found

    @property
    def dynamodb_requests(self) -> int:
        """Requests to DynamoDB."""
        return self.calls_of("dynamodb").total()

    @property
    def write_units(self) -> int:
        """Write request units of tables, none of whose rows is larger than ``largest_row_bytes``: two a row in a
        transaction, else one."""
        size = max(1, math.ceil(self.largest_row_bytes / _WRITE_UNIT_BYTES))
        return size * sum(_times(call) * len(call.resources) * number for call, number in self.calls.items())

    @property
    def index_units(self) -> int:
        """Write request units of due indexes, at the most: each write of a row whose table has one."""
        return sum(
            number * sum(resource in _HAVE_A_DUE_INDEX for resource in call.resources)
            for call, number in self.calls.items()
            if _times(call)
        )

    @property
    def read_units(self) -> int:
        """Read request units of single rows, each taken as a consistent read of one unit."""
        return sum(number for call, number in self.calls.items() if call.name == "dynamodb:GetItem")


_WRITES = {
    "dynamodb:TransactWriteItems": 2,
    "dynamodb:PutItem": 1,
    "dynamodb:UpdateItem": 1,
    "dynamodb:DeleteItem": 1,
}
_HAVE_A_DUE_INDEX = frozenset({"BookingsTable", "SeatLedgerTable", "PaymentsTable"})


def _times(call: Call) -> int:
    return _WRITES.get(call.name, 0)


def billed_ms_of(message: str) -> int | None:
    """The billed milliseconds of a REPORT line, or None for any other line."""
    found = _REPORT.match(message)
    return int(found["billed_ms"]) if found else None


def logged_bytes(messages: Iterable[str]) -> int:
    """What CloudWatch Logs counts for these events."""
    return sum(len(message.encode()) + _LOG_EVENT_BYTES for message in messages)


def row_bytes(item: Mapping[str, Any]) -> int:
    """The size of a row as DynamoDB counts it: names and values; of a number, half its digits and one."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    (kind, content), *_ = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return math.ceil(len(content.strip("-").replace(".", "")) / 2) + 1
        case "M":
            return 3 + row_bytes(content) + len(content)
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in content)
        case _:
            return 1  # a boolean, null


def query_units(row_sizes: Iterable[int]) -> float:
    """Read request units of an eventually consistent query over rows of these sizes."""
    return math.ceil(sum(row_sizes) / _READ_UNIT_BYTES) / 2
