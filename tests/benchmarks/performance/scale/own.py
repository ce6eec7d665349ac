"""What the functions' own code takes, measured by the storms of `make bench` on this machine."""

from tests.benchmarks.performance.scale.arithmetic import OwnTime

OWN = OwnTime(invocation_ms=0.56, request_ms=3.0)
"""Of an invocation that the lock refuses, and what one request to DynamoDB adds: docs/PERFORMANCE.md, own CPU a
verdict."""
