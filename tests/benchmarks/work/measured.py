"""All that is counted, on a stage of its own."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leleka.own_stage import own_stage
from leleka.stage import Stage
from tests.benchmarks.work.counted import Work, query_units, row_bytes
from tests.benchmarks.work.counter import Counters
from tests.benchmarks.work.stories import Stories, Story
from tests.functional.customer import FLIGHT

_TIMES = 3

type Say = Callable[[str], None]


@dataclass(frozen=True)
class Measured:
    """The work of bookings and of single requests, by story; the read units of a seat map; how many metrics the stage's
    alarms watch."""

    bookings: dict[str, Work]
    requests: dict[str, Work]
    seat_map_units: float
    alarm_metrics: int


def measure(say: Say) -> Measured:
    """Tells every story some times, and counts.

    Raises:
        AssertionError: a story's counts are not the same each time but the first.
    """
    with tempfile.TemporaryDirectory(prefix="leleka-work-") as folder:
        trail = Path(folder) / "trail.jsonl"
        with own_stage(Path(folder) / "stack", trail) as stage:
            _quiet(stage)
            counters, stories = Counters(stage, trail), Stories(stage)
            measured = Measured(
                bookings=_told(counters, stories.bookings(), say),
                requests=_told(counters, stories.requests(), say),
                seat_map_units=_seat_map_units(stage),
                alarm_metrics=_alarm_metrics(stage),
            )
            stories.close()
    return measured


def _told(counters: Counters, stories: Mapping[str, Story], say: Say) -> dict[str, Work]:
    found = {}
    for name, story in stories.items():
        _first, *others = [counters.of(story) for _ in range(_TIMES)]
        assert all(work.counts() == others[0].counts() for work in others), [name, *(work.counts() for work in others)]
        found[name] = others[-1]
        say(f"{name}: {found[name].transitions} transitions, {found[name].invocations.total()} invocations")
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
