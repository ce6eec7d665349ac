"""Counts for CloudWatch, as log lines in its embedded metric format: no call, no client, nothing that can fail.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import time

from chalicelib.shared import log

NAMESPACE = "Leleka"


def count(name: str, **dimensions: str) -> None:
    """Adds one to the metric, as a whole and for these dimensions, which must have few values."""
    metric = {"Namespace": NAMESPACE, "Dimensions": [[], [*dimensions]], "Metrics": [{"Name": name, "Unit": "Count"}]}
    described = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metric]}
    log.info(f"counted {name}", _aws=described, **{name: 1}, **dimensions)
