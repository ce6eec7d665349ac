"""What a round of bookings brought, and its tables."""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.locks.measures import Spread, spread
from tests.benchmarks.performance.cpu import CpuSeconds
from tests.benchmarks.performance.sagas import Told


@dataclass(frozen=True)
class Beginning:
    """Seconds since the start, of a stack that makes everything anew: it is up, deployed, seeded, and has confirmed its
    first booking."""

    up_s: float
    deployed_s: float
    seeded_s: float
    first_booking_s: float


@dataclass(frozen=True)
class Round:
    """What some clients at once brought about.

    Attributes:
        ended_s: when each booking's end was seen, since the round's beginning, in order.
    """

    clients: int
    ended_s: Sequence[float]
    sagas: Sequence[Told]
    cpu: CpuSeconds

    @property
    def bookings(self) -> int:
        """How many there were."""
        return len(self.ended_s)

    @property
    def took_s(self) -> float:
        """Until the last one's end."""
        return self.ended_s[-1]

    @property
    def per_s(self) -> float:
        """Bookings a second."""
        return self.bookings / self.took_s

    @property
    def quarters(self) -> Spread:
        """The same of each quarter of the bookings, in the order in which they ended."""
        size = self.bookings // 4
        ends_s = [0.0, *(self.ended_s[size * number - 1] for number in range(1, 5))]
        return spread([size / (until_s - since_s) for since_s, until_s in itertools.pairwise(ends_s)])


def rounds_table(rounds: Sequence[Round]) -> Iterator[str]:
    """Speed and times, a line a round."""
    yield "| clients | bookings | bookings a second | answered, p50 | to CONFIRMED, p50 | p99 |"
    yield "|--:|--:|--:|--:|--:|--:|"
    for each in rounds:
        confirmed = sorted(saga.confirmed_ms for saga in each.sagas)
        answered = statistics.median(saga.answered_ms for saga in each.sagas)
        speed = f"{each.per_s:.2f} ({each.quarters.low:.2f} to {each.quarters.high:.2f})"
        yield (
            f"| {each.clients} | {each.bookings} | {speed} | {answered:,.0f} ms "
            f"| {statistics.median(confirmed):,.0f} ms | {p99(confirmed):,.0f} ms |"
        )


def cpu_table(rounds: Sequence[Round]) -> Iterator[str]:
    """Processor time of a booking, a line a round."""
    yield "| clients | LocalStack | functions | Valkey | of two cores |"
    yield "|--:|--:|--:|--:|--:|"
    for each in rounds:
        per_booking = {name: 1000 * used_s / each.bookings for name, used_s in each.cpu.by_name().items()}
        share = sum(each.cpu.by_name().values()) / (2 * each.took_s)
        yield f"| {each.clients} | {' | '.join(f'{ms:,.0f} ms' for ms in per_booking.values())} | {share:.0%} |"


def steps_table(rounds: Sequence[Round]) -> Iterator[str]:
    """Time of each state, a column a round."""
    yield f"| state | {' | '.join(f'{each.clients} clients' for each in rounds)} |"
    yield f"|---|{'--:|' * len(rounds)}"
    names = list(rounds[0].sagas[0].states_ms)
    for name in names:
        medians = [statistics.median(saga.states_ms.get(name, 0) for saga in each.sagas) for each in rounds]
        yield f"| {name} | {' | '.join(f'{ms:,.0f} ms' for ms in medians)} |"


def p99(ordered: Sequence[float]) -> float:
    """The value that one of a hundred is above."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
