"""The arithmetic of warm invocations: from each one's nanoseconds to percentiles in microseconds."""

from collections.abc import Sequence
from typing import NamedTuple

from tests.benchmarks.locks.measures import Spread, spread

_BLOCKS = 8


class Warm(NamedTuple):
    """What a warm invocation of a function costs, in microseconds of CPU time.

    Attributes:
        own: the median of the function's own time, and those of the quickest and the slowest eighth of the run.
        own_p99: of a hundred invocations one takes longer.
        aws: the median within botocore.
        lock: the median within the lock's sends and receives.
    """

    own: Spread
    own_p99: float
    aws: float
    lock: float


def warm(own_ns: Sequence[int], aws_ns: Sequence[int], lock_ns: Sequence[int]) -> Warm:
    """Of a run's invocations, one after the other."""
    size = max(1, len(own_ns) // _BLOCKS)
    blocks = [percentile(own_ns[start : start + size], 50) / 1000 for start in range(0, size * _BLOCKS, size)]
    own = Spread(percentile(own_ns, 50) / 1000, *spread(blocks)[1:])
    return Warm(own, percentile(own_ns, 99) / 1000, percentile(aws_ns, 50) / 1000, percentile(lock_ns, 50) / 1000)


def percentile(values: Sequence[int], percent: int) -> int:
    """The smallest value that so many percent of the values are not above.

    Raises:
        IndexError: there are no values.
    """
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
