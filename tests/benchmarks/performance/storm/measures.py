"""The arithmetic of the storms: from what each did to speeds, medians and ratios."""

import statistics
from collections import Counter
from collections.abc import Sequence

import msgspec

from tests.benchmarks.locks.measures import Spread, spread
from tests.benchmarks.performance.storm.verdicts import Outcome, Verdict


class Storm(msgspec.Struct, frozen=True):
    """One storm.

    Attributes:
        began_at_s: when the customers were let go, on the machine's monotonic clock.
        cpu_s: how long the customers' processes ran on a core.
        requests: to DynamoDB, by operation, each attempt of the client counted.
        commands: that Valkey ran, by name.
        wrong: the deviations, one a sentence.
    """

    verdicts: Sequence[Verdict]
    began_at_s: float
    cpu_s: float
    requests: Counter[str]
    commands: Counter[str]
    wrong: list[str]

    @property
    def last_verdict_s(self) -> float:
        """From the start to the last verdict, in seconds."""
        return max(each.ended_at_s for each in self.verdicts) - self.began_at_s

    @property
    def per_s(self) -> float:
        """Verdicts per second."""
        return len(self.verdicts) / self.last_verdict_s

    @property
    def won(self) -> int:
        """How many customers won."""
        return sum(each.outcome is Outcome.WON for each in self.verdicts)

    @property
    def repeated(self) -> int:
        """How often a step was asked again, because the store was busy."""
        return sum(each.attempts - 1 for each in self.verdicts)


def per_verdict(storms: Sequence[Storm], counted: str) -> float:
    """How many ``requests`` or ``commands`` a verdict cost, over all these storms."""
    total = sum(getattr(storm, counted).total() for storm in storms)
    return float(total / sum(len(storm.verdicts) for storm in storms))


def refusal_ms(storms: Sequence[Storm]) -> Spread | None:
    """What losers waited for their verdict: median, fastest, and the slowest but one in a hundred; None without losers,
    which a broken condition makes of all."""
    took = [each.took_ms for storm in storms for each in storm.verdicts if each.outcome is Outcome.LOST]
    if len(took) < 2:
        return None
    return Spread(statistics.median(took), min(took), statistics.quantiles(took, n=100)[98])


def speeds(storms: Sequence[Storm]) -> Spread:
    """Verdicts per second."""
    return spread([storm.per_s for storm in storms])


def times_s(storms: Sequence[Storm]) -> Spread:
    """Time to the last verdict."""
    return spread([storm.last_verdict_s for storm in storms])


def ratio(storms: Sequence[Storm], base: Sequence[Storm]) -> Spread:
    """How many times as many verdicts per second as the base has, median by median; the least and the most that any
    two of them would make it."""
    ours, theirs = speeds(storms), speeds(base)
    return Spread(ours.median / theirs.median, ours.low / theirs.high, ours.high / theirs.low)


def cpu_ms(storms: Sequence[Storm]) -> float:
    """Milliseconds on a core that a verdict cost the function's own process."""
    return 1000 * sum(storm.cpu_s for storm in storms) / sum(len(storm.verdicts) for storm in storms)
