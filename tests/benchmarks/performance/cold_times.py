"""The arithmetic of cold starts: from the rounds' times to ratios, and to the two figures.

What counts is the first quartile. A start needs what it needs; whatever else runs on the same processor, in this
machine or beside it, takes more from it and never less, and of short starts that hits some and spares others.
"""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.benchmarks.performance.cases import Case

HELLO = "hello world"


class Took(NamedTuple):
    """What starts took, in milliseconds: first quartile, least and most."""

    quartile: float
    low: float
    high: float


class Ratio(NamedTuple):
    """How many times hello world's CPU time a start took.

    Attributes:
        quartile: first quartile by first quartile.
        median: median by median, for comparison.
        low: the quickest round's.
        high: the slowest round's.
    """

    quartile: float
    median: float
    low: float
    high: float


class ColdTimes:
    """What a cold start took: of each case once a round, of hello world several times a round."""

    def __init__(self) -> None:
        self._cpu_ms: dict[str, list[float]] = {}
        self._wall_ms: dict[str, list[float]] = {}

    def add(self, name: str, cpu_ms: float, wall_ms: float) -> None:
        """Notes the next start of a case, or of hello world."""
        self._cpu_ms.setdefault(name, []).append(cpu_ms)
        self._wall_ms.setdefault(name, []).append(wall_ms)

    def starts(self, name: str) -> int:
        """How many there were."""
        return len(self._cpu_ms[name])

    def cpu_ms(self, name: str) -> Took:
        """The CPU time of its starts."""
        return _took(self._cpu_ms[name])

    def wall_ms(self, name: str) -> Took:
        """Their time on the clock."""
        return _took(self._wall_ms[name])

    def ratio(self, name: str) -> Ratio:
        """How many times hello world's CPU time it took."""
        own_ms, hello_ms = self._cpu_ms[name], self._cpu_ms[HELLO]
        base_ms = _quartile(hello_ms)
        median = statistics.median(own_ms) / statistics.median(hello_ms)
        return Ratio(_quartile(own_ms) / base_ms, median, min(own_ms) / base_ms, max(own_ms) / base_ms)

    def figures(self, cases: Iterable[Case]) -> dict[str, float]:
        """The largest ratio of the functions that move no money, and of those that do."""
        return {name: round(self.ratio(case.name).quartile, 3) for name, case in self._worst(cases).items()}

    def spreads(self, cases: Iterable[Case]) -> dict[str, str]:
        """Whose they are, and how far the rounds were apart."""
        worst = {name: (case.name, self.ratio(case.name)) for name, case in self._worst(cases).items()}
        return {
            name: f"{ratio.low:.2f} to {ratio.high:.2f}, {self.starts(case)} rounds of {case}"
            for name, (case, ratio) in worst.items()
        }

    def _worst(self, cases: Iterable[Case]) -> dict[str, Case]:
        ordered = sorted(cases, key=lambda case: self.ratio(case.name).quartile)
        return {"cold_ratio_payment" if case.pays else "cold_ratio_max": case for case in ordered}


def _quartile(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=4, method="inclusive")[0]


def _took(values: Sequence[float]) -> Took:
    return Took(_quartile(values), min(values), max(values))
