"""docs/COST.md: what a booking does and what that costs, with the arithmetic."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.benchmarks.work import cost, prices
from tests.benchmarks.work.cost import Line
from tests.benchmarks.work.counted import Work

_HERE = Path(__file__).parent


def document(
    bookings: Mapping[str, Work], requests: Mapping[str, Work], seat_map_units: float, alarm_metrics: int
) -> str:
    """The page in Markdown."""
    bills = {name: cost.booking(work) for name, work in bookings.items()}
    parts = [
        "# What a booking costs",
        (_HERE / "introduction.md").read_text().strip(),
        "## The sum",
        "\n".join(_sums(bills)),
        "## What is done",
        "\n".join(work_table(bookings)),
        "## The arithmetic of a confirmed booking",
        "\n".join(_bill(bills["confirmed"])),
        "## What its customer looks at besides",
        "\n".join(_requests(requests)),
        "## What a stage costs a month when nobody books",
        "\n".join(_bill(cost.monthly(alarm_metrics), per_million=False)),
        "## What is guessed, and what is left out",
        (_HERE / "guesses.md").read_text().strip().replace("SEAT_MAP_UNITS", f"{seat_map_units:g}"),
    ]
    return "\n\n".join(parts) + "\n"


def _sums(bills: Mapping[str, Sequence[Line]]) -> Iterator[str]:
    yield "| Story | US dollars a million | the largest part |"
    yield "|---|--:|---|"
    for name, lines in bills.items():
        largest = max(lines, key=lambda line: line.usd)
        share = largest.usd / cost.total(lines)
        yield f"| {name} | {cost.total(lines) * prices.MILLION:,.0f} | {largest.what}: {share:.0%} |"


def work_table(bookings: Mapping[str, Work]) -> Iterator[str]:
    """What was counted, a column a story, as lines of Markdown."""
    yield f"| | {' | '.join(bookings)} |"
    yield f"|---|{'--:|' * len(bookings)}"
    for what, value in _ROWS.items():
        yield f"| {what} | {' | '.join(f'{value(work):,}' for work in bookings.values())} |"


_ROWS: Mapping[str, Callable[[Work], int]] = {
    "state transitions": lambda work: work.transitions,
    "Lambda invocations": lambda work: work.invocations.total(),
    "DynamoDB requests": lambda work: work.dynamodb_requests,
    "DynamoDB write units, tables": lambda work: work.write_units,
    "DynamoDB write units, indexes, at most": lambda work: work.index_units,
    "DynamoDB read units": lambda work: work.read_units,
    "Redis commands": lambda work: work.redis.total(),
    "SQS messages sent by the saga": lambda work: work.calls_of("sqs")["SendMessage"],
    "SNS messages": lambda work: work.calls_of("sns")["Publish"],
    "mails": lambda work: work.calls_of("ses").total(),
    "bytes of log": lambda work: work.log_bytes,
    "largest state, bytes": lambda work: work.state_bytes,
    "largest row, bytes": lambda work: work.largest_row_bytes,
}


def _bill(lines: Sequence[Line], *, per_million: bool = True) -> Iterator[str]:
    times = prices.MILLION if per_million else 1
    yield f"| | count | US dollars each | US dollars{' a million bookings' if per_million else ''} |"
    yield "|---|--:|--:|--:|"
    for line in lines:
        yield f"| {line.what} | {line.count:,.10g} | {line.unit_usd:.10f} | {line.usd * times:,.2f} |"
    yield f"| **together** | | | **{cost.total(lines) * times:,.2f}** |"


def _requests(requests: Mapping[str, Work]) -> Iterator[str]:
    yield "| Request | invocations | DynamoDB requests | US dollars a million |"
    yield "|---|--:|--:|--:|"
    for name, work in requests.items():
        usd = cost.total(cost.booking(work)) * prices.MILLION
        yield f"| {name} | {work.invocations.total()} | {work.dynamodb_requests} | {usd:,.2f} |"
    yield ""
    yield "The page asks for its seats every three seconds, for a saga under way every second; hidden it asks nothing."
