"""The local stack under load: bookings a second, how long one takes, where the time goes; how soon there is one."""

import itertools
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

from leleka import deploy, seed
from leleka.own_stage import LOCK_TIMEOUT_MS
from leleka.stack import RunningStack, StackConfig, temporary_stack
from leleka.stage import LOCAL, Aws, Stage
from tests.benchmarks.performance import executor
from tests.benchmarks.performance.cpu import cpu_seconds
from tests.benchmarks.performance.part import Part, hand_over, say
from tests.benchmarks.performance.profile import Profile, profile_table, sampled
from tests.benchmarks.performance.rounds import Beginning, Round, cpu_table, rounds_table, steps_table
from tests.benchmarks.performance.sagas import Told, told
from tests.functional.customer import Customer, execution

_HERE = Path(__file__).parent
CLIENTS = (1, 4, 16)
_BOOKINGS = {1: 12, 4: 32, 16: 64}
_WARM_UP = 24
_FLIGHT_OF = {1: "KBP-BCN-0615", 4: "KBP-BCN-0622", 16: "KBP-BCN-0629"}
_WARM_UP_FLIGHT = "BCN-KBP-0629"
_LOOKS_EVERY_S = 0.5
_BOOKING_S_MAX = 120


def measure() -> Part:
    """Starts a stack, and books with more and more clients."""
    with tempfile.TemporaryDirectory(prefix="leleka-bench-") as folder, ExitStack() as stack:
        began_s = time.monotonic()
        running = stack.enter_context(temporary_stack(StackConfig(Path(folder) / "stack")))
        stage, beginning = _begin(running, began_s)
        say(f"first booking after {beginning.first_booking_s:.1f} s")
        with sampled(running.processes["localstack"].pid) as profile:
            _book(running, stage, _WARM_UP_FLIGHT, 16, _WARM_UP)
        rounds = [_book(running, stage, _FLIGHT_OF[clients], clients, _BOOKINGS[clients]) for clients in CLIENTS]
    return part(beginning, rounds, executor.measure(), profile)


def part(beginning: Beginning, rounds: Sequence[Round], ours: executor.Costs, profile: Profile) -> Part:
    """The figures and the section."""
    figures = {
        "executor_overhead_ms": round(ours.overhead_ms.median, 2),
        "bookings_per_s_16": round(rounds[-1].per_s, 2),
    }
    section = (
        (_HERE / "stack.md")
        .read_text()
        .format(
            rounds="\n".join(rounds_table(rounds)),
            cpu="\n".join(cpu_table(rounds)),
            steps="\n".join(steps_table(rounds)),
            profile="\n".join(profile_table(profile)),
            samples=profile.services.total(),
            overhead=ours.overhead_ms,
            hello=ours.hello_ms,
            bare=ours.bare_ms,
            invocations=ours.invocations,
            colds=ours.colds,
            beginning=beginning,
        )
    )
    busiest, overhead = rounds[-1], ours.overhead_ms
    spreads = {
        "executor_overhead_ms": f"p99 {overhead.p99:.2f}, {ours.invocations:,} invocations",
        "bookings_per_s_16": f"{busiest.quarters.low:.2f} to {busiest.quarters.high:.2f}, quarters of the round",
    }
    return Part(figures, section, spreads=spreads)


def _begin(running: RunningStack, began_s: float) -> tuple[Stage, Beginning]:
    up_s = time.monotonic() - began_s
    aws = Aws(LOCAL, running.gateway_url, running.valkey_url)
    stage = deploy.deploy(aws, running.lock_url, LockTimeoutMs=LOCK_TIMEOUT_MS)
    deployed_s = time.monotonic() - began_s
    seed.seed(stage)
    seeded_s = time.monotonic() - began_s
    with closing(Customer(stage)) as customer:
        assert customer.outcome(customer.book("12A")["booking_id"])["status"] == "CONFIRMED"
    return stage, Beginning(up_s, deployed_s, seeded_s, time.monotonic() - began_s)


def _await_end(stage: Stage, booking_id: str) -> None:
    """Looks seldom, since each look is work for LocalStack too."""
    until_s = time.monotonic() + _BOOKING_S_MAX
    while execution(stage, booking_id)["status"] == "RUNNING":
        assert time.monotonic() < until_s, f"{booking_id} does not end"
        time.sleep(_LOOKS_EVERY_S)


def _book(running: RunningStack, stage: Stage, flight_id: str, clients: int, bookings: int) -> Round:
    """Each client books, waits until its saga has ended, and books again, as long as there are bookings to make."""
    seats: Iterator[str] = (f"{row}{letter}" for row, letter in itertools.product(range(18, 31), "ABCDEF"))
    taking = threading.Lock()
    left = iter(range(bookings))

    ended_s: list[float] = []

    def client() -> list[Told]:
        found: list[Told] = []
        while True:
            with taking:
                if next(left, None) is None:
                    return found
                seat = next(seats)
            with closing(Customer(stage)) as customer:
                began_s = time.time()
                booking_id = str(customer.book(seat, flight_id=flight_id)["booking_id"])
                answered_s = time.time()
            _await_end(stage, booking_id)
            ended_s.append(time.monotonic() - start_s)
            found.append(told(stage, booking_id, began_s, answered_s))

    before, start_s = cpu_seconds(running), time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(client) for _ in range(clients)]
        sagas = [each for future in futures for each in future.result()]
    found = Round(clients, sorted(ended_s), sagas, cpu_seconds(running) - before)
    say(f"{clients} clients: {found.per_s:.2f} bookings a second")
    return found


if __name__ == "__main__":
    hand_over(measure)
