"""What a round of bookings brought, and its tables."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    """What some clients at once brought about."""

    clients: int
    bookings: int
    took_s: float
    sagas: Sequence[Told]
    cpu: CpuSeconds

    @property
    def per_s(self) -> float:
        """Bookings a second."""
        return self.bookings / self.took_s


def rounds_table(rounds: Sequence[Round]) -> Iterator[str]:
    """Speed and times, a line a round."""
    yield "| clients | bookings | bookings a second | answered, p50 | to CONFIRMED, p50 | p99 |"
    yield "|--:|--:|--:|--:|--:|--:|"
    for each in rounds:
        confirmed = sorted(saga.confirmed_ms for saga in each.sagas)
        answered = statistics.median(saga.answered_ms for saga in each.sagas)
        yield (
            f"| {each.clients} | {each.bookings} | {each.per_s:.2f} | {answered:,.0f} ms "
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
