"""Growth, measured: ``python -m tests.benchmarks.performance.growth``."""

from chalicelib.recovery.logic import CLAIMED_AT_ONCE
from chalicelib.recovery.models import Kind
from chalicelib.shared.due import SHARDS
from tests.benchmarks.performance.growth import measures
from tests.benchmarks.performance.growth.looks import RECONCILER, looks
from tests.benchmarks.performance.growth.report import section
from tests.benchmarks.performance.growth.sizes import Size
from tests.benchmarks.performance.part import Part, hand_over
from tests.benchmarks.performance.silence import silence

SIZES = (Size(10, 100, 9), Size(1_000, 10_000, 9), Size(100_000, 1_000_000, 9))
DUE = tuple(Size(1_000, 10_000, due) for due in (0, 9, 90, 900))


def measure() -> Part:
    """The looks at every size, and the reconciler's with ever more that is due.

    Raises:
        AssertionError: something costs more because more exists, or the reconciler's work is not what is due.
    """
    with silence():
        by_size = [looks(size) for size in SIZES]
        by_due = [looks(size)[RECONCILER] for size in DUE]
    wrong = measures.grown(by_size) + measures.follows(
        [size.due * len(Kind) for size in DUE],
        by_due,
        queries_idle=len(SHARDS) * len(Kind),
        rows_at_once=CLAIMED_AT_ONCE,
    )
    assert not wrong, "\n".join(wrong)
    return Part({}, section(dict(zip(SIZES, by_size, strict=True)), dict(zip(DUE, by_due, strict=True))))


if __name__ == "__main__":
    hand_over(measure)
