"""The arithmetic of cold starts: from the rounds' times to ratios, and to the two figures."""

from collections.abc import Iterable

from tests.benchmarks.locks.measures import Spread, spread
from tests.benchmarks.performance.cases import Case

HELLO = "hello world"


class ColdTimes:
    """What a cold start took: of each case and of hello world, once a round."""

    def __init__(self) -> None:
        self._cpu_ms: dict[str, list[float]] = {}
        self._wall_ms: dict[str, list[float]] = {}

    def add(self, name: str, cpu_ms: float, wall_ms: float) -> None:
        """Notes the next round of a case, or of hello world."""
        self._cpu_ms.setdefault(name, []).append(cpu_ms)
        self._wall_ms.setdefault(name, []).append(wall_ms)

    def rounds(self) -> int:
        """How many there were."""
        return len(self._cpu_ms[HELLO])

    def cpu_ms(self, name: str) -> Spread:
        """The CPU time of its rounds."""
        return spread(self._cpu_ms[name])

    def wall_ms(self, name: str) -> Spread:
        """The time on the clock of its rounds."""
        return spread(self._wall_ms[name])

    def ratio(self, name: str) -> Spread:
        """How many times hello world's CPU time it took. Each ratio is of one round, since a round shares its weather.

        Raises:
            ValueError: one of the two misses a round.
        """
        pairs = zip(self._cpu_ms[name], self._cpu_ms[HELLO], strict=True)
        return spread([own_ms / hello_ms for own_ms, hello_ms in pairs])

    def figures(self, cases: Iterable[Case]) -> dict[str, float]:
        """The largest ratio of the functions that move no money, and of those that do."""
        return {name: round(self.ratio(case.name).median, 3) for name, case in self._worst(cases).items()}

    def spreads(self, cases: Iterable[Case]) -> dict[str, str]:
        """Whose they are, and how far the rounds were apart."""
        worst = {name: (case.name, self.ratio(case.name)) for name, case in self._worst(cases).items()}
        return {
            name: f"{ratio.low:.2f} to {ratio.high:.2f}, {self.rounds()} rounds of {case}"
            for name, (case, ratio) in worst.items()
        }

    def _worst(self, cases: Iterable[Case]) -> dict[str, Case]:
        ordered = sorted(cases, key=lambda case: self.ratio(case.name).median)
        return {"cold_ratio_payment" if case.pays else "cold_ratio_max": case for case in ordered}
