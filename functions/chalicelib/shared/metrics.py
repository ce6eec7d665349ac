"""Metrics for CloudWatch, as log lines in its embedded metric format: no call, no client, nothing that can fail.

What is counted where, and what a crash could miss: docs/OBSERVABILITY.md.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.shared import log

NAMESPACE = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "leleka-nowhere")
"""The CloudFormation stack's name, so that stages never mix; the default is for tests without a stage."""


def count(name: str, **dimensions: str) -> None:
    """Adds one to the metric: as a whole, and for each of these dimensions by itself. They must have few values."""
    _emit({name: (MetricUnit.Count, 1)}, [{}, *({dimension: value} for dimension, value in dimensions.items())])


def count_outcome(*names: str, error: str) -> None:
    """Adds one to these metrics: for this function, and for this function and error."""
    function = log.function()
    _emit(dict.fromkeys(names, (MetricUnit.Count, 1)), [{"function": function}, {"function": function, "error": error}])


def measure_s(name: str, value_s: float) -> None:
    """Records a duration in seconds."""
    _emit({name: (MetricUnit.Seconds, value_s)}, [{}])


@contextmanager
def timed_ms(name: str) -> Iterator[None]:
    """Records how long the block takes, in milliseconds, also when it ends in an error."""
    began_s = time.monotonic()
    try:
        yield
    finally:
        _emit({name: (MetricUnit.Milliseconds, (time.monotonic() - began_s) * 1000)}, [{}])


def _emit(values: dict[str, tuple[MetricUnit, float]], dimension_sets: list[dict[str, str]]) -> None:
    line = EphemeralMetrics(namespace=NAMESPACE)
    for name, (unit, value) in values.items():
        line.add_metric(name, unit, value)
    first, *others = dimension_sets
    for dimension, its_value in first.items():
        line.add_dimension(dimension, its_value)
    for dimensions in others:
        line.add_dimensions(**dimensions)
    for field, known in log.correlation().items():
        line.add_metadata(field, known)
    line.flush_metrics()
