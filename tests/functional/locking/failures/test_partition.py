"""Two clients that each reach a part of the nodes: at most one lock, and one holder."""

import random
from collections.abc import Sequence

import pytest

from tests.functional.locking.failures.paths import TTL_MS, Paths, open_redlock
from tests.functional.locking.holders import Refused, Worker
from tests.functional.locking.seats import Seats
from tests.functional.locking.topologies import Node

pytestmark = pytest.mark.stack
ROUNDS = 6


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "refusing"])
@pytest.mark.parametrize(
    ("first_reaches", "second_reaches"),
    [((1, 2, 3), (3, 4, 5)), ((1, 2), (3, 4, 5)), ((1, 2), (4, 5)), ((1, 2, 3, 4), (2, 3, 4, 5))],
    ids=["both have three", "one has three", "nobody has three", "both have four"],
)
def test_of_two_sides_of_a_partition_one_has_the_seat(
    five_nodes: list[Node],
    paths: Paths,
    seats: Seats,
    pair: list[Worker],
    first_reaches: Sequence[int],
    second_reaches: Sequence[int],
    silent: bool,
) -> None:
    """Both try at the same time, seat after seat: at most one lock, one hold, and after the partition no lock but the
    holders'."""
    seed = random.randrange(10**6)
    print("seed", seed)  # noqa: T201 - shown when the test fails
    chance = random.Random(seed)
    locked, held = seats.fresh(ROUNDS), seats.fresh(ROUNDS)
    for worker, proxies in zip(pair, (paths.first, paths.second), strict=True):
        open_redlock([worker], [proxy.url for proxy in proxies], lead_first=chance.random() < 0.5)
        worker.ask("release", seat=locked[0], lock_id="nobody")  # connected to all
    paths.part(first_reaches, second_reaches, silent=silent)
    got: list[str] = []
    for seat in locked:
        verdicts = _at_once(pair, chance, "acquire", seat)
        assert verdicts.count("ACQUIRED") <= _majorities(first_reaches, second_reaches)
        got += [f"{name}-{seat}" for name, verdict in zip("ab", verdicts, strict=True) if verdict == "ACQUIRED"]
    for seat in held:
        assert sorted(_at_once(pair, chance, "reserve", seat)) == ["HELD", "SeatTaken"]
    paths.heal()
    for name, worker in zip("ab", pair, strict=True):
        for seat in locked:
            worker.ask("release", seat=seat, lock_id=f"{name}-{seat}")
    seats.check(five_nodes, TTL_MS)


def _majorities(*reached: Sequence[int]) -> int:
    """How many locks there can be at once: one, if anybody has a majority."""
    return int(any(len(nodes) >= 3 for nodes in reached))


def _at_once(pair: list[Worker], chance: random.Random, do: str, seat: str) -> list[str]:
    """Both do it, in either order, and neither waits for the other; what each got."""
    both = list(zip("ab", pair, strict=True))
    chance.shuffle(both)
    for name, worker in both:
        if do == "acquire":
            worker.tell(do, seat=seat, lock_id=f"{name}-{seat}")
        else:
            worker.tell(do, seat=seat, booking=f"{name}-{seat}")
    if do == "acquire":
        return [worker.answer()["verdict"] for worker in pair]
    return [_reserved(worker) for worker in pair]


def _reserved(worker: Worker) -> str:
    try:
        worker.reserved()
    except Refused as refused:
        return str(refused)
    return "HELD"
