"""Redlock's lead when it and the majority don't agree, and nodes that don't speak alike."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.locking import Acquisition, Extension, Release, SeatLock, open_lock, seat_key
from tests.functional.locking.topologies import Node, start_node, wait_until

KEY = seat_key("KBP-BCN-0615", "12A")


def _lock(nodes: list[Node]) -> SeatLock:
    return open_lock(",".join(node.url for node in nodes), ttl_ms=60_000, timeout_ms=400)


def _acquired_from_stale_lead(nodes: list[Node], lock: SeatLock) -> None:
    """Only the lead remembers a lock; somebody else takes the seat in spite of it."""
    nodes[0].client.set(KEY, "lock-lost", px=60_000)
    assert lock.acquire(KEY, "lock-a").verdict is Acquisition.HELD_BY_ANOTHER
    started_s = time.monotonic()
    wait_until(lambda: lock.acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED, "the majority to be asked", 3)
    assert time.monotonic() - started_s > 0.5


def test_a_seat_that_only_the_lead_remembers_can_be_had(five_nodes: list[Node]) -> None:
    """Its first refusal counts; a second later the majority is asked, and gives the seat."""
    lock = _lock(five_nodes)
    _acquired_from_stale_lead(five_nodes, lock)
    assert lock.extend(KEY, "lock-a").verdict is Extension.EXTENDED
    assert lock.inspect(KEY).owner == "lock-a"
    assert lock.release(KEY, "lock-a").verdict is Release.RELEASED


def test_the_owner_is_not_refused_by_a_lead_that_is_wrong(five_nodes: list[Node]) -> None:
    """A repeated step gets its own seat again at once, though the lead alone remembers somebody else."""
    lock = _lock(five_nodes)
    _acquired_from_stale_lead(five_nodes, lock)
    assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ALREADY_OURS


@pytest.fixture
def unlike_nodes(tmp_path: Path) -> Iterator[list[Node]]:
    """Three that have DELIFEQ and two that don't."""
    options: tuple[str, ...] = ("--rename-command", "DELIFEQ", "")
    nodes = [start_node(tmp_path) for _ in range(3)] + [start_node(tmp_path, *options) for _ in range(2)]
    yield nodes
    for node in nodes:
        node.end()


def test_each_node_is_asked_in_what_it_speaks(unlike_nodes: list[Node]) -> None:
    """The first release ends the lock on all five, also where it takes a second question, whoever answers first."""
    for looks in range(5):
        lock = _lock(unlike_nodes)
        for _ in range(looks):  # the nodes take turns in being read last
            lock.inspect(KEY)
        assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED
        wait_until(lambda: [node.client.get(KEY) for node in unlike_nodes] == [b"lock-a"] * 5, "all five", 5)
        assert lock.release(KEY, "lock-a").verdict is Release.RELEASED
        lock.inspect(KEY)  # every node answers it, and so has answered all that came before
        assert [node.client.get(KEY) for node in unlike_nodes] == [None] * 5
        lock.close()
