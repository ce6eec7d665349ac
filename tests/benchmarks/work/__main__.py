"""One run: tells each story on a stage of its own, and writes docs/COST.md."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from leleka.own_stage import own_stage
from leleka.paths import PROJECT
from leleka.stage import Stage
from tests.benchmarks.work import cost, prices
from tests.benchmarks.work.counted import Work, query_units, row_bytes
from tests.benchmarks.work.counter import Counters
from tests.benchmarks.work.report import document
from tests.benchmarks.work.stories import Stories, Story
from tests.functional.customer import FLIGHT

_TIMES = 3


def main() -> None:
    """Counts, writes the page, and prints the numbers as the last line."""
    with tempfile.TemporaryDirectory(prefix="leleka-cost-") as folder:
        trail = Path(folder) / "trail.jsonl"
        with own_stage(Path(folder) / "stack", trail) as stage:
            _quiet(stage)
            counters, stories = Counters(stage, trail), Stories(stage)
            bookings = _told(counters, stories.bookings())
            requests = _told(counters, stories.requests())
            seat_map_units, alarm_metrics = _seat_map_units(stage), _alarm_metrics(stage)
            stories.close()
    page = document(bookings, requests, seat_map_units, alarm_metrics)
    (PROJECT / "docs" / "COST.md").write_text(page)
    _say("docs/COST.md")
    usd = {name: round(cost.total(cost.booking(work)) * prices.MILLION) for name, work in bookings.items()}
    _say(json.dumps({"usd_per_million_bookings": usd, "transitions": bookings["confirmed"].transitions}))


def _told(counters: Counters, stories: Mapping[str, Story]) -> dict[str, Work]:
    """The work of each story, which must be the same each time but the first.

    Raises:
        AssertionError: it is not.
    """
    found = {}
    for name, story in stories.items():
        _first, *others = [counters.of(story) for _ in range(_TIMES)]
        assert all(work.counts() == others[0].counts() for work in others), [name, *(work.counts() for work in others)]
        found[name] = others[-1]
        _say(f"{name}: {found[name].transitions} transitions, {found[name].invocations.total()} invocations")
    return found


def _quiet(stage: Stage) -> None:
    """The reconciler looks each minute; its work is a stage's and no booking's."""
    stage.aws.client("events").disable_rule(Name=stage.outputs["ReconcileRule"])


def _seat_map_units(stage: Stage) -> float:
    pages = stage.dynamodb.get_paginator("query").paginate(
        TableName=stage.tables["SeatsTable"],
        KeyConditionExpression="flight_id = :flight",
        ExpressionAttributeValues={":flight": {"S": FLIGHT}},
    )
    return query_units([row_bytes(item) for page in pages for item in page["Items"]])


def _alarm_metrics(stage: Stage) -> int:
    """How many metrics the stage's alarms watch; of one with an expression, all that are in it."""
    pages = stage.aws.client("cloudwatch").get_paginator("describe_alarms").paginate()
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return sum(sum("MetricStat" in each for each in alarm.get("Metrics", [])) or 1 for alarm in alarms)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command's output


if __name__ == "__main__":
    main()
