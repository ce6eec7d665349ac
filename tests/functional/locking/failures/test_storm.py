"""64 customers at once for each of many seats, from eight processes: one holder a seat, and no lock but theirs."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from chalicelib.locking import seat_key
from tests.functional.locking.holders import Crew, Worker
from tests.functional.locking.seat_worker import FLIGHT, lock_of
from tests.functional.locking.seats import Seats
from tests.functional.locking.topologies import Node

pytestmark = pytest.mark.stack
PROCESSES, CLIENTS_EACH, SEATS = 8, 8, 200
SEATS_WITHOUT = 24  # each of these costs a transaction a customer
TTL_MS = 120_000


@pytest.mark.parametrize("count", [1, 5], ids=["one server", "five nodes"])
def test_of_64_at_once_one_gets_each_seat(five_nodes: list[Node], seats: Seats, crew: Crew, count: int) -> None:
    """One hold a seat, with its first fencing number; every node remembers the winners and nobody else."""
    nodes = five_nodes[:count]
    wanted = seats.fresh(SEATS)
    _storm(seats, crew.get(PROCESSES), [",".join(node.url for node in nodes)], wanted)
    items = seats.items()
    locks = {seat_key(FLIGHT, seat): lock_of(items[seat]["booking_id"]) for seat in wanted}
    for node in nodes:
        assert {key.decode(): node.ask("GET", key).decode() for key in node.ask("KEYS", "*")} == locks
    seats.check(nodes, TTL_MS)


@pytest.mark.parametrize("other", ["none:", "nobody listens"])
def test_half_of_them_without_the_lock_change_nothing(
    node: Node, seats: Seats, crew: Crew, free_port: int, other: str
) -> None:
    """Four processes don't reach the server: the database decides between them and those who have the lock, and who
    has the lock and is refused gives it back."""
    wanted = seats.fresh(SEATS_WITHOUT)
    without = "none:" if other == "none:" else f"redis://127.0.0.1:{free_port}"
    _storm(seats, crew.get(PROCESSES), [node.url, without], wanted)
    seats.check([node], TTL_MS)


def _storm(seats: Seats, workers: Sequence[Worker], urls: Sequence[str], wanted: Sequence[str]) -> None:
    """Each worker with one of the URLs in turn; passes if each seat was won once."""
    seed = random.randrange(10**6)
    print("seed", seed)  # noqa: T201 - shown when the test fails
    for number, worker in enumerate(workers):
        clients = [f"{number}-{client}-{seed}" for client in range(CLIENTS_EACH)]
        url = urls[number % len(urls)]
        worker.tell("storm", url=url, clients=clients, seats=wanted, seed=seed, ttl_ms=TTL_MS)
    for worker in workers:
        worker.event("ready")
    for worker in workers:
        worker.go_on()
    won = [win for worker in workers for win in worker.answer()["won"]]
    for seat, booking, number in won:
        seats.note(seat, booking, number)
    assert Counter(seat for seat, _, _ in won) == dict.fromkeys(wanted, 1)
    items = seats.items()
    assert {items[seat]["fencing_number"] for seat in wanted} == {1}
