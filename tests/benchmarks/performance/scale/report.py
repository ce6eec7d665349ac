"""docs/SCALE.md: the needs as tables, between what people wrote about them."""

import math
from collections.abc import Iterator
from pathlib import Path

from chalicelib.recovery.logic import BUDGET_S
from tests.benchmarks.performance.scale import arithmetic, counts, limits
from tests.benchmarks.performance.scale.assumptions import (
    BOOKINGS_PER_HOUR,
    CORE_MB,
    LATENCY_MS,
    MEMORY_MB,
    PAGE_REQUESTS,
)
from tests.benchmarks.performance.scale.needs import needs
from tests.benchmarks.performance.scale.own import OWN


def document() -> str:
    """The page in Markdown; the same each time."""
    rate = arithmetic.per_second(BOOKINGS_PER_HOUR)
    text = (Path(__file__).parent / "scale.md").read_text()
    values = {
        "RATE": f"{rate:.0f}",
        "NEEDS": "\n".join(_needs(rate)),
        "TABLES": "\n".join(_tables(rate)),
        "FUNCTIONS": "\n".join(_functions(rate)),
        "LATENCIES": "; ".join(f"{name} {ms:g} ms" for name, ms in LATENCY_MS.items()),
        "PAGE_REQUESTS": "; ".join(f"{name}: {number}" for name, number in PAGE_REQUESTS.items()),
        "INVOCATION_MS": f"{OWN.invocation_ms:g}",
        "REQUEST_MS": f"{OWN.request_ms:g}",
        "SLOWER": f"{CORE_MB / MEMORY_MB:.1f}",
        "PAYMENTS_AT_ONCE": f"{_concurrency('CarryOutPayments', rate):.0f}",
        "RECONCILED_A_MINUTE": f"{_reconciled():,.0f}",
        "RECONCILED_AN_HOUR": f"{60 * _reconciled():,.0f}",
        "MORE_A_MINUTE": f"{60 * rate - _reconciled():,.0f}",
        "API_AT_ONCE": f"{_concurrency('APIHandler', rate):.0f}",
    }
    for name, value in values.items():
        text = text.replace(f"<{name}>", value)
    return text


def _needs(rate: float) -> Iterator[str]:
    yield "| | arithmetic | needed | large regions | | Frankfurt | |"
    yield "|---|---|--:|--:|---|--:|---|"
    for need in needs(rate, OWN):
        cells = [
            f"{limit:,.0f} | {arithmetic.verdict(need.need, limit)}" for limit in (need.limit.large, need.limit.small)
        ]
        yield f"| {need.what} | {need.arithmetic} | {need.need:,.0f} | {' | '.join(cells)} |"


def _tables(rate: float) -> Iterator[str]:
    yield "| Table | partition key | write units a booking | write units a second | read units a second | partitions |"
    yield "|---|---|--:|--:|--:|--:|"
    for table in counts.TABLES:
        yield (
            f"| {table.name} | {table.key} | {table.writes} | {table.writes * rate:,.0f} | {table.reads * rate:,.0f} "
            f"| {arithmetic.partitions(table, rate)} |"
        )
        if table.index_writes:
            writes = table.index_writes * rate
            yield (
                f"| its index `due` | due_shard | {table.index_writes} | {writes:,.0f} | few "
                f"| {max(1, math.ceil(writes / limits.PARTITION_WRITES_PER_S))}, of 4 shards |"
            )


def _functions(rate: float) -> Iterator[str]:
    yield "| Function | rows | transactions | Valkey | other waits | ms | at a time |"
    yield "|---|--:|--:|--:|---|--:|--:|"
    for each in counts.FUNCTIONS:
        took_ms = arithmetic.duration_ms(each, OWN)
        yield (
            f"| {each.name} | {each.rows or ''} | {each.transactions or ''} | {each.valkey or ''} "
            f"| {', '.join(each.waits)} | {took_ms:,.0f} | {arithmetic.concurrency(rate, took_ms):,.0f} |"
        )


def _reconciled() -> float:
    return arithmetic.kept_per_minute(BUDGET_S, LATENCY_MS["invoke a function"])


def _concurrency(name: str, rate: float) -> float:
    function = next(each for each in counts.FUNCTIONS if each.name == name)
    return arithmetic.concurrency(rate, arithmetic.duration_ms(function, OWN))
