"""The arithmetic: from the times of rounds to ratios, medians and the last line."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Spread(NamedTuple):
    """A median, and how far the rounds were apart."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """The spread of the values."""
    return Spread(statistics.median(values), min(values), max(values))


class Rounds:
    """What one operation took, in microseconds: of each competitor, once a round."""

    def __init__(self) -> None:
        self._us: dict[str, list[float]] = {}

    def add(self, competitor: str, took_us: float) -> None:
        """Notes the next round of a competitor."""
        self._us.setdefault(competitor, []).append(took_us)

    def names(self) -> list[str]:
        """Who was measured."""
        return list(self._us)

    def took_us(self, competitor: str) -> Spread:
        """The spread of its rounds."""
        return spread(self._us[competitor])

    def speed(self, competitor: str, *, base: str) -> Spread:
        """How many times as fast as the base it is. Each ratio is of one round, since a round shares its weather.

        Raises:
            ValueError: one of the two misses a round.
        """
        pairs = zip(self._us[base], self._us[competitor], strict=True)
        return spread([base_us / own_us for base_us, own_us in pairs])

    def fastest(self, competitors: Sequence[str]) -> str:
        """The competitor with the lowest median."""
        return min(competitors, key=lambda each: self.took_us(each).median)


class Storms(NamedTuple):
    """Many clients at once for one free seat, many times."""

    storms: int
    clients: int
    no_winner: int
    multi_winner: int
    unknown: int


def count_storms(winners: Sequence[int], *, clients: int, unknown: int) -> Storms:
    """Counts the storms that nobody won and those that more than one won."""
    nobody = sum(1 for each in winners if each == 0)
    several = sum(1 for each in winners if each > 1)
    return Storms(len(winners), clients, nobody, several, unknown)


class Frozen(NamedTuple):
    """Pairs while one of five nodes is stopped.

    Attributes:
        worst_ms: the slowest pair; None if the run did not end within its bound.
        failed: pairs that raised or were not taken, though four nodes answered.
        pairs: how many there were.
    """

    worst_ms: float | None
    failed: int
    pairs: int


@dataclass
class Results:
    """All that one run measured.

    Attributes:
        pairs: acquire and release of a free seat.
        refusals: acquire of a seat that another holds.
        pair_commands, refusal_commands: what the servers ran for one, by command.
        storms, frozen: by competitor, five nodes only.
        core_share: how much of its core the run had while it measured; other programs had the rest.
    """

    pairs: Rounds = field(default_factory=Rounds)
    refusals: Rounds = field(default_factory=Rounds)
    pair_commands: dict[str, dict[str, float]] = field(default_factory=dict)
    refusal_commands: dict[str, dict[str, float]] = field(default_factory=dict)
    storms: dict[str, Storms] = field(default_factory=dict)
    frozen: dict[str, Frozen] = field(default_factory=dict)
    core_share: float = 1.0


class Names(NamedTuple):
    """Whose numbers the last line takes.

    Attributes:
        redlocks: ours over five nodes; the frozen node's number is the worst of them.
        peers: the others over five nodes.
    """

    base: str
    single: str
    watched: str
    all_at_once: str
    lead_first: str
    redlocks: Sequence[str]
    peers: Sequence[str]


def summary(results: Results, names: Names) -> dict[str, float]:
    """The numbers of the last line, by name; ratios are speeds, so more is faster.

    Raises:
        ValueError: ours did not end, or failed, with a node frozen.
    """
    pairs, refusals = results.pairs, results.refusals
    best_peer = pairs.fastest(names.peers)
    storms = results.storms[names.lead_first]
    return {
        "single_pair": _ratio(pairs.speed(names.single, base=names.base)),
        "redlock5_pair": _ratio(pairs.speed(names.all_at_once, base=names.base)),
        "redlock5_vs_best_peer": _ratio(pairs.speed(names.all_at_once, base=best_peer)),
        "rejects_single": _ratio(refusals.speed(names.single, base=names.base)),
        "rejects_redlock5": _ratio(refusals.speed(names.lead_first, base=names.base)),
        "no_winner_storms": storms.no_winner,
        "multi_winner_storms": storms.multi_winner,
        "watchdog_pair": _ratio(pairs.speed(names.watched, base=names.single)),
        "frozen_node_ms": round(_worst_ms([results.frozen[each] for each in names.redlocks]), 2),
    }


def last_line(numbers: Mapping[str, float]) -> str:
    """The numbers as one line of JSON."""
    return json.dumps(numbers)


def commands_of_one(
    before: Sequence[Mapping[str, int]], after: Sequence[Mapping[str, int]], operations: int
) -> dict[str, float]:
    """The commands that one operation cost, summed over the nodes, from each node's counters before and after."""
    grown: dict[str, int] = {}
    for earlier, later in zip(before, after, strict=True):
        for command, calls in later.items():
            grown[command] = grown.get(command, 0) + calls - earlier.get(command, 0)
    return {command: calls / operations for command, calls in sorted(grown.items()) if calls}


def _ratio(speed: Spread) -> float:
    return round(speed.median, 3)


def _worst_ms(frozen: Sequence[Frozen]) -> float:
    if any(each.worst_ms is None or each.failed for each in frozen):
        raise ValueError(f"our lock failed with a node frozen: {frozen}")
    return max(each.worst_ms for each in frozen if each.worst_ms is not None)
