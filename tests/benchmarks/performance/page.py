"""docs/PERFORMANCE.md: all parts on one page, and the goals that the figures are held against."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.performance.part import Part

_HERE = Path(__file__).parent
_QUIET_LOAD = 0.7

GOALS: Mapping[str, tuple[float | None, str]] = {
    "transitions_happy": (13, "state transitions of a confirmed booking"),
    "invocations_happy": (10, "Lambda invocations of a confirmed booking, the API's and the mail's included"),
    "redis_cmds_refusal": (1, "Redis commands of a booking whose seat is another's"),
    "ddb_writes_refusal": (0, "DynamoDB writes of the step that refuses it"),
    "cold_ratio_max": (1.25, "a cold function's processor time over a hello-world's, the slowest but payment"),
    "cold_ratio_payment": (2, "the same for payment"),
    "reserve_cpu_us": (1000, "ReserveSeat's own processor time over its I/O, microseconds"),
    "storm_wrong": (0, "winners too many or too few, and other wrongs, in all storms"),
    "verdicts_ratio_vs_db": (None, "verdicts a second with the lock over those of the database alone"),
    "executor_overhead_ms": (3, "what the local executor adds to a warm handler, milliseconds"),
    "bookings_per_s_16": (None, "bookings a second of the local stack, 16 clients"),
    "usd_per_million_bookings": (None, "US dollars at list prices"),
}
"""By figure: the most that it may be, if there is a goal, and what it is."""


@dataclass(frozen=True)
class Run:
    """What one run brought.

    Attributes:
        load: the machine's load average when it began.
    """

    parts: Mapping[str, Part]
    machine: Mapping[str, str]
    load: float
    took_s: float


def last_line(run: Run) -> dict[str, float]:
    """The figures in the order of the goals.

    Raises:
        KeyError: a part left one out.
    """
    found = {name: float(value) for part in run.parts.values() for name, value in part.figures.items()}
    # Counts are whole numbers, and look so.
    return {name: int(found[name]) if found[name].is_integer() else found[name] for name in GOALS}


def document(run: Run) -> str:
    """The page in Markdown."""
    parts = [
        (_HERE / "introduction.md").read_text().strip(),
        "\n".join(_summary(run)),
        *(part.section.strip() for part in run.parts.values()),
        "## The machine",
        "\n".join(_machine(run)),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(run: Run) -> Iterator[str]:
    spreads = {name: words for part in run.parts.values() for name, words in part.spreads.items()}
    yield "| figure | | goal | spread | what it is |"
    yield "|---|--:|--:|---|---|"
    for name, value in last_line(run).items():
        most, what = GOALS[name]
        goal = "" if most is None else f"≤ {most:g}"
        missed = " **missed**" if most is not None and value > most else ""
        yield f"| `{name}` | {value:,g}{missed} | {goal} | {spreads.get(name, 'a count')} | {what} |"


def _machine(run: Run) -> Iterator[str]:
    yield "| | |"
    yield "|---|---|"
    for name, value in run.machine.items():
        yield f"| {name} | {value} |"
    yield f"| the run | {run.took_s:.0f} s, `make bench` |"
    noisy = "" if run.load <= _QUIET_LOAD else ": other programs ran, so times are worse than they could be"
    yield f"| load when it began | {run.load:.2f}{noisy} |"
