"""On paper: the hold steps in an Express workflow of their own, which the saga starts as one step and waits for.

A child's refusal must come back as a value that a Choice looks at, since the parent would otherwise see one error name
for all, and undo what was never done.
"""

from typing import NamedTuple

from tests.benchmarks.work import prices
from tests.benchmarks.work.counted import Work

HOLD_STEPS = ("ValidateFlight", "ReserveSeat", "ReserveBaggage", "CalculatePrice")
_MEMORY_GB = 64 / 1024  # the least that an Express workflow is billed for
_IN_THEIR_PLACE = 2  # the step that starts the child, and the Choice on its answer


class Variant(NamedTuple):
    """What the variant saves, per booking.

    Attributes:
        transitions: how many fewer of the Standard workflow.
        saved_usd: what those cost.
        express_usd: what the child costs.
    """

    transitions: int
    saved_usd: float
    express_usd: float

    @property
    def gain_usd(self) -> float:
        """What is left."""
        return self.saved_usd - self.express_usd


def nested(work: Work) -> Variant:
    """The variant of a story in which all hold steps succeed. The child lasts as long as its functions, no less."""
    transitions = len(HOLD_STEPS) - _IN_THEIR_PLACE
    lasts_s = sum(work.billed_ms[step] for step in HOLD_STEPS) / 1000
    return Variant(
        transitions,
        transitions * prices.TRANSITION,
        prices.EXPRESS_REQUEST + lasts_s * _MEMORY_GB * prices.EXPRESS_GB_S,
    )
