"""What the functions of a stage have written to CloudWatch's logs."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from leleka.stage import Stage


@dataclass(frozen=True)
class Line:
    """One line, of Lambda's own or of the function's."""

    function: str
    at_ms: int
    text: str

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object that it is; nothing for Lambda's own lines."""
        if not self.text.startswith("{"):
            return {}
        document: dict[str, Any] = json.loads(self.text)
        return document


@dataclass(frozen=True)
class Counted:
    """A value of a metric under one set of dimensions."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    value: float


def functions_of(stage: Stage) -> dict[str, str]:
    """The names of the stage's functions by their logical names."""
    pages = stage.aws.client("lambda").get_paginator("list_functions").paginate()
    names = [each["FunctionName"] for page in pages for each in page["Functions"]]
    known = {name.removeprefix(f"leleka-{stage.name}-").split("-")[0]: name for name in names}
    return {"APIHandler" if short == "leleka" else short: name for short, name in known.items()}


def lines_of(stage: Stage, since_ms: int) -> Iterator[Line]:
    """Every line of every function since that instant, in milliseconds since the epoch."""
    pages = stage.aws.client("logs").get_paginator("filter_log_events")
    for function, name in functions_of(stage).items():
        for page in pages.paginate(logGroupName=f"/aws/lambda/{name}", startTime=since_ms):
            for event in page["events"]:
                for text in event["message"].splitlines():
                    yield Line(function, event["timestamp"], text)


def counted(lines: Iterable[Line]) -> list[Counted]:
    """Every value that CloudWatch would extract from the lines, under each of its sets of dimensions."""
    return [
        Counted(directive["Namespace"], metric["Name"], frozenset((name, line.fields[name]) for name in names), value)
        for line in lines
        for directive in line.fields.get("_aws", {}).get("CloudWatchMetrics", [])
        for metric in directive["Metrics"]
        for names in directive["Dimensions"]
        for value in line.fields[metric["Name"]]
    ]
