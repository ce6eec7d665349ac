"""From counts, assumptions and limits to rates, partitions and concurrency."""

import math
from typing import NamedTuple

from tests.benchmarks.performance.scale.assumptions import CORE_MB, LATENCY_MS, MEMORY_MB
from tests.benchmarks.performance.scale.counts import Function, Table
from tests.benchmarks.performance.scale.limits import PARTITION_READS_PER_S, PARTITION_WRITES_PER_S, Limit


class OwnTime(NamedTuple):
    """Milliseconds on one core of the benchmark's machine: of an invocation without any request, and of a request's
    client code on top."""

    invocation_ms: float
    request_ms: float


class Need(NamedTuple):
    """What is needed of something limited."""

    what: str
    arithmetic: str
    need: float
    limit: Limit


def per_second(per_hour: float) -> float:
    """An hour's number as a second's."""
    return per_hour / 3600


def partitions(table: Table, rate: float) -> int:
    """How many partitions a table needs for so many bookings a second, if its keys spread evenly."""
    share = table.writes * rate / PARTITION_WRITES_PER_S + table.reads * rate / PARTITION_READS_PER_S
    return max(1, math.ceil(share))


def duration_ms(function: Function, own: OwnTime) -> float:
    """How long an invocation takes: its own time on the share of a core that its memory buys, and its waits."""
    requests = function.rows + function.transactions + len(function.waits)
    computing = (own.invocation_ms + requests * own.request_ms) * max(1.0, CORE_MB / MEMORY_MB)
    waiting = (
        function.rows * LATENCY_MS["DynamoDB, a row"]
        + function.transactions * LATENCY_MS["DynamoDB, a transaction"]
        + function.valkey * LATENCY_MS["Valkey, a command"]
        + sum(LATENCY_MS[name] for name in function.waits)
    )
    return computing + waiting


def concurrency(rate: float, took_ms: float) -> float:
    """How many run at a time (Little's law)."""
    return rate * took_ms / 1000


def kept_per_minute(budget_s: float, invoke_ms: float) -> float:
    """How many confirmed bookings' charges one reconciler can look at and take from the due index in each minute, of
    which it works so many seconds: two invocations each, one after the other."""
    return budget_s * 1000 / (2 * invoke_ms)


def verdict(need: float, limit: float) -> str:
    """Whether it fits, with little to spare, or by how much the limit has to be raised."""
    times = need / limit
    if times > 1:
        return f"**raise {math.ceil(times * 1.5)} times**"  # half as much again, to spare
    return "fits, barely" if times > 0.75 else "fits"
