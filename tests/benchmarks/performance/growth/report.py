"""The section on growth."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from leleka.seed.data import load_fleet
from leleka.seed.items import seats_of
from tests.benchmarks.performance.growth.meter import Work
from tests.benchmarks.performance.growth.sizes import Size

_ROWS: Mapping[str, Callable[[Work], str]] = {
    "requests": lambda work: f"{work.total}",
    "rows read": lambda work: f"{work.rows_read}",
    "read units": lambda work: f"{work.read_units:g}",
    "rows written": lambda work: f"{work.rows_written}",
}


def section(by_size: Mapping[Size, Mapping[str, Work]], by_due: Mapping[Size, Work]) -> str:
    """The section in Markdown."""
    text = (Path(__file__).parent / "reading.md").read_text().strip()
    tables = {"LOOKS": _looks(by_size), "DUE": _due(by_due), "DUE_FIXED": [str(next(iter(by_size)).due * 3)]}
    for name, lines in tables.items():
        text = text.replace(f"<{name}>", "\n".join(lines))
    return text + "\n"


def _looks(by_size: Mapping[Size, Mapping[str, Work]]) -> Iterator[str]:
    seats = len(seats_of(load_fleet()["B738"]))
    heads = [
        f"{size.flights:,} flights, {size.flights * seats:,} seats, {size.bookings:,} bookings" for size in by_size
    ]
    yield f"| | | {' | '.join(heads)} |"
    yield f"|---|---|{'--:|' * len(heads)}"
    for name in next(iter(by_size.values())):
        for what, value in _ROWS.items():
            cells = " | ".join(value(works[name]) for works in by_size.values())
            yield f"| {name if what == 'requests' else ''} | {what} | {cells} |"


def _due(by_due: Mapping[Size, Work]) -> Iterator[str]:
    yield "| rows that are due | queries | rows read | claims | read units |"
    yield "|--:|--:|--:|--:|--:|"
    for size, work in by_due.items():
        claims = work.requests.get("UpdateItem", 0)
        yield (
            f"| {size.due * 3:,} | {work.requests['Query']:,} | {work.rows_read:,} | {claims:,} | {work.read_units:g} |"
        )
