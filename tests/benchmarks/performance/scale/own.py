"""What the functions' own code takes, measured by the storms of `make bench` on this machine."""

from tests.benchmarks.performance.scale.arithmetic import OwnTime

OWN = OwnTime(invocation_ms=0.5, request_ms=3.0)
"""Of an invocation that is refused by the lock, and of a request to DynamoDB on top: see docs/PERFORMANCE.md, own CPU a
verdict."""
