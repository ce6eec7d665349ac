"""The document of a run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.locks.chart import Bar, chart
from tests.benchmarks.locks.children import FROZEN_BOUND_S
from tests.benchmarks.locks.competitor import Entry
from tests.benchmarks.locks.measures import Frozen, Names, Results, Spread, Storms

GOALS: Mapping[str, tuple[str, float]] = {
    "single_pair": ("≥", 2.0),
    "redlock5_pair": ("≥", 0.45),
    "redlock5_vs_best_peer": ("≥", 2.0),
    "rejects_single": ("≥", 2.0),
    "rejects_redlock5": ("≥", 2.0),
    "no_winner_storms": ("≤", 0),
    "multi_winner_storms": ("≤", 0),
    "watchdog_pair": ("≥", 0.9),
    "frozen_node_ms": ("≤", 60),
}
ENOUGH_OF_A_CORE = 0.9
"""With less, what else runs on the core shows in the speeds."""
_NONE = "-"
_READING = Path(__file__).with_name("reading.md")
_INTRODUCTION = """\
Written by `make bench-locks`; don't edit. Leleka's seat lock beside other Python locks on the same servers, in one run.
Speeds are multiples of plain redis-py's (`SET NX EX`, then a script by its hash) on one node: 2.00 is twice as fast."""


@dataclass(frozen=True)
class Run:
    """One run: its numbers, the seed of its order, and what it ran on."""

    results: Results
    seed: int
    machine: Mapping[str, str]


def document(run: Run, entries: Sequence[Entry], names: Names, numbers: Mapping[str, float]) -> tuple[str, str]:
    """The document in Markdown, and its chart."""
    parts = [
        "# Lock benchmark",
        _INTRODUCTION,
        "![Speed of a pair of acquire and release](lock_benchmark.svg)",
        "\n".join(_table(run.results, entries, names.base)),
        "## Goals",
        "\n".join(_goals(numbers)),
        "## Where Leleka's lock is not the first",
        "\n".join(f"* {line}" for line in _weaknesses(run.results, entries, names)) or "Nowhere in this run.",
        _READING.read_text().strip(),
        "\n".join(_calls(entries)),
        "## This run",
        "\n".join(_facts(run)),
    ]
    return "\n\n".join(parts) + "\n", _chart(run.results, entries, names.base)


def _facts(run: Run) -> Iterator[str]:
    share = run.results.core_share
    distorted = "" if share >= ENOUGH_OF_A_CORE else " **Too little: other programs distort these speeds.**"
    yield from (f"* {name}: {value}" for name, value in run.machine.items())
    yield f"* seed of the order: {run.seed}"
    yield f"* the rounds had {share:.0%} of their core.{distorted}"


def _table(results: Results, entries: Sequence[Entry], base: str) -> Iterator[str]:
    yield (
        "| Lock | Pair, µs | Pair, speed (range) | Commands a pair | Refusal, µs | Refusal, speed (range) "
        "| Commands a refusal | Pair with renewal, speed | Storms: no winner / several | Node frozen: worst pair, ms |"
    )
    yield "|---|--:|--:|---|--:|--:|---|--:|--:|--:|"
    watching = {entry.watches: entry for entry in entries if entry.watches}
    for entry in entries:
        if entry.watches is None:
            yield _row(entry, watching.get(entry.name), results, base)


def _row(entry: Entry, watching: Entry | None, results: Results, base: str) -> str:
    name = entry.name
    cells = [
        f"**{name}**" if entry.ours else name,
        f"{results.pairs.took_us(name).median:.0f}",
        _speed(results.pairs.speed(name, base=base)),
        _commands(results.pair_commands[name]),
        f"{results.refusals.took_us(name).median:.0f}",
        _speed(results.refusals.speed(name, base=base)),
        _commands(results.refusal_commands[name]),
        _speed(results.pairs.speed(watching.name, base=name)) if watching else _NONE,
        _storms(results.storms.get(name)),
        _frozen(results.frozen.get(name)),
    ]
    return f"| {' | '.join(cells)} |"


def _goals(numbers: Mapping[str, float]) -> Iterator[str]:
    yield "| Number | Goal | Measured | |"
    yield "|---|--:|--:|---|"
    for name, (sign, goal) in GOALS.items():
        measured = numbers[name]
        met = measured >= goal if sign == "≥" else measured <= goal
        yield f"| `{name}` | {sign} {goal:g} | {measured:g} | {'met' if met else '**missed**'} |"


def _weaknesses(results: Results, entries: Sequence[Entry], names: Names) -> Iterator[str]:
    """Every comparison that a lock of ours lost, in this run's numbers."""
    for nodes, ours in ((1, [names.single]), (5, list(names.redlocks))):
        peers = [entry.name for entry in entries if entry.nodes == nodes and not entry.ours and entry.watches is None]
        for what, rounds in (("pair", results.pairs), ("refusal", results.refusals)):
            for own in ours:
                for peer in peers:
                    faster = rounds.speed(peer, base=own).median
                    if faster > 1:
                        yield f"{own}: {peer} is {faster:.2f} times as fast in a {what}."
    yield from _weaknesses_beside_base(results, names)
    yield from _weaknesses_of_five(results, names)


def _weaknesses_beside_base(results: Results, names: Names) -> Iterator[str]:
    for own in names.redlocks:
        slower = 1 / results.pairs.speed(own, base=names.base).median
        if slower > 1:
            yield f"{own}: a pair takes {slower:.2f} times as long as plain redis-py's on one node."
    lead, all_at_once = names.lead_first, names.all_at_once
    slower = results.pairs.speed(all_at_once, base=lead).median
    if slower > 1:
        yield f"{lead}: a pair takes {slower:.2f} times as long as all at once, since the lead is waited for alone."
    faster = results.refusals.speed(lead, base=all_at_once).median
    if faster > 1:
        yield f"{all_at_once}: a refusal takes {faster:.2f} times as long as with the lead first."


def _weaknesses_of_five(results: Results, names: Names) -> Iterator[str]:
    for own in names.redlocks:
        storms, frozen = results.storms[own], results.frozen[own]
        if storms.no_winner or storms.multi_winner:
            counted = f"{storms.no_winner} without a winner, {storms.multi_winner} with several"
            yield f"{own}: of {storms.storms} storms {counted}."
        if storms.unknown:
            yield f"{own}: {storms.unknown} of {storms.storms * storms.clients} answers in the storms were no answer."
        for peer in names.peers:
            other = results.frozen[peer]
            if other.worst_ms is not None and frozen.worst_ms is not None and other.worst_ms < frozen.worst_ms:
                failed = f" ({other.failed} of its {other.pairs} pairs failed)" if other.failed else ""
                both = f"{frozen.worst_ms:.1f} ms, {peer} {other.worst_ms:.1f} ms"
                yield f"{own}: worst pair with a node frozen {both}{failed}."


def _calls(entries: Sequence[Entry]) -> Iterator[str]:
    yield "| Lock | Called as |"
    yield "|---|---|"
    for entry in entries:
        yield f"| {entry.name} | {entry.how} |"


def _speed(speed: Spread) -> str:
    return f"{speed.median:.2f} ({speed.low:.2f} to {speed.high:.2f})"


def _commands(counted: Mapping[str, float]) -> str:
    each = ", ".join(f"{command} {calls:g}" for command, calls in counted.items())
    return f"{sum(counted.values()):g} ({each})"


def _storms(storms: Storms | None) -> str:
    if storms is None:
        return _NONE
    unknown = f", {storms.unknown} unknown" if storms.unknown else ""
    return f"{storms.no_winner} / {storms.multi_winner} of {storms.storms}{unknown}"


def _frozen(frozen: Frozen | None) -> str:
    if frozen is None:
        return _NONE
    if frozen.worst_ms is None:
        return f"gave up after {FROZEN_BOUND_S:.0f} s"
    failed = f", {frozen.failed} of {frozen.pairs} failed" if frozen.failed else ""
    return f"{frozen.worst_ms:.1f}{failed}"


def _chart(results: Results, entries: Sequence[Entry], base: str) -> str:
    bars = [Bar(entry.name, results.pairs.speed(entry.name, base=base), entry.ours) for entry in entries]
    return chart("Acquire and release: speed as a multiple of plain redis-py on one node", bars)
