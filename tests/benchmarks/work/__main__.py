"""One run: tells each story on a stage of its own, and writes docs/COST.md."""

import json

from leleka.paths import PROJECT
from tests.benchmarks.work import cost, prices
from tests.benchmarks.work.measured import measure
from tests.benchmarks.work.report import document


def main() -> None:
    """Counts, writes the page, and prints the numbers as the last line."""
    found = measure(_say)
    page = document(found.bookings, found.requests, found.seat_map_units, found.alarm_metrics)
    (PROJECT / "docs" / "COST.md").write_text(page)
    _say("docs/COST.md")
    usd = {name: round(cost.total(cost.booking(work)) * prices.MILLION) for name, work in found.bookings.items()}
    _say(json.dumps({"usd_per_million_bookings": usd, "transitions": found.bookings["confirmed"].transitions}))


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command's output


if __name__ == "__main__":
    main()
