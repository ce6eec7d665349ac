"""The section on contention, its figures and its chart."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.locks.chart import Bar, chart
from tests.benchmarks.locks.measures import Spread
from tests.benchmarks.performance.part import Part
from tests.benchmarks.performance.storm import measures
from tests.benchmarks.performance.storm.measures import Storm

WITH_LOCK, DATABASE_ONLY = "lock", "database"
_NAMES = {WITH_LOCK: "lock, then database", DATABASE_ONLY: "database only"}
_CHART = "storm.svg"


class Kind(msgspec.Struct, frozen=True):
    """So many customers for so many seats, so often in each variant."""

    customers: int
    seats: int
    times: int

    def __str__(self) -> str:
        return f"{self.customers:,} for {self.seats} seat{'s' if self.seats > 1 else ''}"


SMALL, LARGE = Kind(1_000, 1, 5), Kind(10_000, 180, 2)
KINDS = (SMALL, LARGE)

type Results = Mapping[Kind, Mapping[str, list[Storm]]]


def part(results: Results, processes: int, seed: int) -> Part:
    """What the storms hand over."""
    text = (Path(__file__).parent / "reading.md").read_text().strip()
    wrong = [sentence for storm in _all(results) for sentence in storm.wrong]
    large = results[LARGE]
    spread = measures.ratio(large[WITH_LOCK], large[DATABASE_ONLY])
    ratio = round(spread.median, 2)
    tables = {
        "SPEED": _speed(results),
        "WORK": _work(results),
        "WRONG": [f"Deviations: **{len(wrong)}**.", *(f"* {sentence}" for sentence in wrong[:20])],
    }
    facts = {"PROCESSES": processes, "CORES": os.cpu_count(), "SEED": seed, "RATIO": ratio, **_cpu(large)}
    for name, value in facts.items():
        text = text.replace(f"<{name}>", str(value))
    for name, lines in tables.items():
        text = text.replace(f"<{name}>", "\n".join(lines))
    figures = {"storm_wrong": float(len(wrong)), "verdicts_ratio_vs_db": ratio}
    return Part(
        figures,
        text + "\n",
        {_CHART: chart("Verdicts per second; the database alone is 1", _bars(results))},
        {"verdicts_ratio_vs_db": f"{spread.low:.2f} to {spread.high:.2f}, any two storms"},
    )


def _all(results: Results) -> Iterator[Storm]:
    return (storm for variants in results.values() for storms in variants.values() for storm in storms)


def _rows(results: Results) -> Iterator[tuple[str, Sequence[Storm]]]:
    for kind, variants in results.items():
        for variant, storms in variants.items():
            yield f"{kind}, {_NAMES[variant]}", storms


def _speed(results: Results) -> Iterator[str]:
    yield "| Storm | times | won | verdicts a second | s to the last verdict | a refusal, ms | 99 of 100 within, ms |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for name, storms in _rows(results):
        won = "/".join(sorted({str(storm.won) for storm in storms}))
        refusal = measures.refusal_ms(storms)
        waited = f"{refusal.median:.1f} | {refusal.high:.1f}" if refusal else "nobody | lost"
        yield (
            f"| {name} | {len(storms)} | {won} | {_spread(measures.speeds(storms), 0)} "
            f"| {_spread(measures.times_s(storms), 2)} | {waited} |"
        )


def _work(results: Results) -> Iterator[str]:
    yield "| Storm | DynamoDB requests a verdict | Valkey commands a verdict | own CPU a verdict, ms | steps repeated |"
    yield "|---|--:|--:|--:|--:|"
    for name, storms in _rows(results):
        yield (
            f"| {name} | {measures.per_verdict(storms, 'requests'):.3f} "
            f"| {measures.per_verdict(storms, 'commands'):.3f} "
            f"| {measures.cpu_ms(storms):.2f} | {sum(storm.repeated for storm in storms)} |"
        )


def _cpu(variants: Mapping[str, Sequence[Storm]]) -> dict[str, str]:
    return {f"CPU_{variant.upper()}": f"{measures.cpu_ms(storms):.2f}" for variant, storms in variants.items()}


def _spread(spread: Spread, digits: int) -> str:
    return f"{spread.median:,.{digits}f} ({spread.low:,.{digits}f} to {spread.high:,.{digits}f})"


def _bars(results: Results) -> list[Bar]:
    bars = []
    for kind, variants in results.items():
        for variant, storms in variants.items():
            base = measures.speeds(variants[DATABASE_ONLY]).median
            relative = Spread(*(value / base for value in measures.speeds(storms)))
            bars.append(Bar(f"{kind}, {_NAMES[variant]}", relative, ours=variant == WITH_LOCK))
    return bars
