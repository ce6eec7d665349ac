"""Redlock on five real servers: who is asked how often, what a majority is worth, and what a lost node costs."""

import time
from collections.abc import Sequence

import pytest

from chalicelib.locking import (
    Acquisition,
    Extension,
    Inspection,
    LockUnreachable,
    Release,
    SeatLock,
    Trouble,
    open_lock,
    seat_key,
)
from tests.functional.locking.topologies import Node, wait_until

KEY = seat_key("KBP-BCN-0615", "12A")
OTHER_KEY = seat_key("KBP-BCN-0615", "12B")
TIMEOUT_MS = 400
TIMEOUT_S = TIMEOUT_MS / 1000
both_ways = pytest.mark.parametrize("lead_first", [True, False], ids=["lead first", "all at once"])


def _lock(nodes: Sequence[Node], *, lead_first: bool = True, timeout_ms: int = TIMEOUT_MS) -> SeatLock:
    url = ",".join(node.url for node in nodes)
    return open_lock(url, ttl_ms=60_000, timeout_ms=timeout_ms, lead_first=lead_first)


def _owners(nodes: Sequence[Node], key: str = KEY) -> list[bytes | str | None]:
    return [node.client.get(key) for node in nodes]


def _become(nodes: Sequence[Node], owners: list[bytes | None], key: str = KEY) -> None:
    # A majority's answers are enough, so the last nodes may still be carrying out what they were asked.
    wait_until(lambda: _owners(nodes, key) == owners, f"the owners to be {owners}", 5)


def _calls(nodes: Sequence[Node], lock: SeatLock, *asked: tuple[str, str, str]) -> list[dict[str, int]]:
    """What each node was called for by these operations, apart from looks, once it has done all that it was sent."""
    lock.inspect("seat:first:1A:lock")  # connected
    for node in nodes:
        node.forget_calls()
    for operation, key, lock_id in asked:
        getattr(lock, operation)(key, lock_id)
    lock.inspect("seat:first:1A:lock")  # a look waits for every node, which has then done all that came before
    return [{name: count for name, count in node.calls().items() if name != "get"} for node in nodes]


def _timed(lock: SeatLock, key: str, lock_id: str) -> tuple[Acquisition, float]:
    started_s = time.monotonic()
    verdict = lock.acquire(key, lock_id).verdict
    return verdict, time.monotonic() - started_s


@both_ways
def test_taking_a_seat_is_one_command_a_node(five_nodes: list[Node], *, lead_first: bool) -> None:
    """And so is releasing it; nothing else is asked."""
    lock = _lock(five_nodes, lead_first=lead_first)
    assert _calls(five_nodes, lock, ("acquire", KEY, "lock-a")) == [{"set": 1}] * 5
    assert _calls(five_nodes, lock, ("release", KEY, "lock-a")) == [{"delifeq": 1}] * 5
    assert _owners(five_nodes) == [None] * 5


def test_a_refusal_by_the_lead_is_one_command_in_all(five_nodes: list[Node]) -> None:
    """The other four hear nothing of it."""
    _lock(five_nodes).acquire(KEY, "lock-a")
    _become(five_nodes, [b"lock-a"] * 5)
    lock = _lock(five_nodes)
    lock.inspect(KEY)
    for node in five_nodes:
        node.forget_calls()
    assert lock.acquire(KEY, "lock-b").verdict is Acquisition.HELD_BY_ANOTHER
    assert [node.calls() for node in five_nodes] == [{"set": 1}, {}, {}, {}, {}]


def test_a_refusal_by_all_at_once_undoes_nothing(five_nodes: list[Node]) -> None:
    """Each said no, so there is nothing to take back."""
    _lock(five_nodes).acquire(KEY, "lock-a")
    _become(five_nodes, [b"lock-a"] * 5)
    lock = _lock(five_nodes, lead_first=False)
    assert _calls(five_nodes, lock, ("acquire", KEY, "lock-b")) == [{"set": 1}] * 5


def test_a_split_vote_is_taken_back_where_the_answer_was_yes(five_nodes: list[Node]) -> None:
    """Two, one and two: nobody has a majority. Only where we were let in is anything undone, and others' keys stay."""
    for node, owner in zip(five_nodes, ("lock-x", "lock-x", "lock-y"), strict=False):
        node.client.set(KEY, owner, px=60_000)
    lock = _lock(five_nodes, lead_first=False)
    calls = _calls(five_nodes, lock, ("acquire", KEY, "lock-b"))
    assert calls == [{"set": 1}] * 3 + [{"set": 1, "delifeq": 1}] * 2
    assert _owners(five_nodes) == [b"lock-x", b"lock-x", b"lock-y", None, None]
    assert lock.acquire(KEY, "lock-b") == (Acquisition.HELD_BY_ANOTHER, None, None)


@both_ways
def test_two_dead_nodes_of_five_are_not_missed(five_nodes: list[Node], *, lead_first: bool) -> None:
    """The lead is one of them; everything goes on with the other three, and nobody waits."""
    for node in (five_nodes[0], five_nodes[3]):
        node.kill()
    living = [five_nodes[number] for number in (1, 2, 4)]
    lock = _lock(five_nodes, lead_first=lead_first)
    verdict, took_s = _timed(lock, KEY, "lock-a")
    assert verdict is Acquisition.ACQUIRED
    assert took_s < TIMEOUT_S
    assert _owners(living) == [b"lock-a"] * 3
    assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ALREADY_OURS
    assert lock.acquire(KEY, "lock-b").verdict is Acquisition.HELD_BY_ANOTHER
    assert lock.extend(KEY, "lock-a").verdict is Extension.EXTENDED
    assert lock.inspect(KEY).owner == "lock-a"
    assert lock.release(KEY, "lock-a").verdict is Release.RELEASED
    assert _owners(living) == [None] * 3


@both_ways
def test_three_dead_nodes_of_five_are_no_quorum(five_nodes: list[Node], *, lead_first: bool) -> None:
    """Nothing is known, and nothing is left on the two that live."""
    for node in five_nodes[1:4]:
        node.kill()
    living = [five_nodes[0], five_nodes[4]]
    lock = _lock(five_nodes, lead_first=lead_first)
    assert lock.acquire(KEY, "lock-a") == (Acquisition.UNKNOWN, None, Trouble.NO_QUORUM)
    assert _owners(living) == [None, None]
    with pytest.raises(LockUnreachable, match="no quorum"):
        lock.inspect(KEY)


def test_an_extension_needs_a_majority_and_makes_no_key(five_nodes: list[Node]) -> None:
    """Two nodes that lost the lock don't matter; with a third it has expired. None of them has it again."""
    lock = _lock(five_nodes)
    lock.acquire(KEY, "lock-a")
    _become(five_nodes, [b"lock-a"] * 5)
    for node in five_nodes[:2]:
        node.client.delete(KEY)
    assert lock.extend(KEY, "lock-a").verdict is Extension.EXTENDED
    five_nodes[2].client.delete(KEY)
    assert lock.extend(KEY, "lock-a") == (Extension.EXPIRED, None, None)
    assert _owners(five_nodes) == [None] * 3 + [b"lock-a"] * 2
    five_nodes[0].client.set(KEY, "lock-b")
    assert lock.extend(KEY, "lock-a") == (Extension.OWNED_BY_ANOTHER, None, None)
    for node in five_nodes[2:]:
        node.kill()
    assert lock.extend(KEY, "lock-a") == (Extension.UNKNOWN, None, Trouble.NO_QUORUM)


@both_ways
def test_a_lock_is_ours_for_as_long_as_a_majority_remembers_it(five_nodes: list[Node], *, lead_first: bool) -> None:
    """Its copies have 10, 20, 30, 40 and 50 s to live; after 30 s only two would be left."""
    lock = _lock(five_nodes, lead_first=lead_first)
    lock.acquire(KEY, "lock-a")
    _become(five_nodes, [b"lock-a"] * 5)
    for number, node in enumerate(five_nodes):
        node.client.pexpire(KEY, 10_000 * (number + 1))
    answer = lock.acquire(KEY, "lock-a")
    assert answer.verdict is Acquisition.ALREADY_OURS
    assert answer.valid_until_s is not None
    assert 20 < answer.valid_until_s - time.monotonic() <= 30
    seen = lock.inspect(KEY)
    assert seen.remaining_ms is not None
    assert 20_000 < seen.remaining_ms <= 30_000


def test_a_frozen_node_is_not_waited_for(five_nodes: list[Node]) -> None:
    """The other four are a majority. Thawed, it does what it was asked meanwhile, and is in step."""
    lock = _lock(five_nodes)
    lock.inspect(KEY)
    five_nodes[3].freeze()
    for number in range(5):
        verdict, took_s = _timed(lock, KEY, f"lock-{number}")
        assert verdict is Acquisition.ACQUIRED
        assert took_s < TIMEOUT_S * 0.5
        assert lock.release(KEY, f"lock-{number}").verdict is Release.RELEASED
    assert lock.acquire(OTHER_KEY, "lock-a").verdict is Acquisition.ACQUIRED
    five_nodes[3].thaw()
    _become(five_nodes, [None] * 5)
    _become(five_nodes, [b"lock-a"] * 5, OTHER_KEY)


@both_ways
def test_frozen_nodes_cost_one_time_out_once(five_nodes: list[Node], *, lead_first: bool) -> None:
    """Two of them, the lead among them, while another holds the seat: the first call waits once for the lead, if it is
    asked first, and once for the others; later ones don't wait. Thawed, each of their late replies belongs to the
    question that it answers."""
    lock = _lock(five_nodes, lead_first=lead_first)
    _lock(five_nodes).acquire(OTHER_KEY, "lock-held")
    _become(five_nodes, [b"lock-held"] * 5, OTHER_KEY)
    lock.inspect(KEY)
    for node in five_nodes[:2]:
        node.freeze()
    verdict, took_s = _timed(lock, OTHER_KEY, "lock-a")
    assert verdict is Acquisition.HELD_BY_ANOTHER
    rounds = 2 if lead_first else 1
    assert TIMEOUT_S * 0.9 < took_s < TIMEOUT_S * (rounds + 0.6)
    for _ in range(3):
        verdict, took_s = _timed(lock, OTHER_KEY, "lock-a")
        assert verdict is Acquisition.HELD_BY_ANOTHER
        assert took_s < TIMEOUT_S * 0.5
    for node in five_nodes[:2]:
        node.thaw()
    _become(five_nodes, [b"lock-held"] * 5, OTHER_KEY)
    for number in range(3):
        key = seat_key("KBP-BCN-0615", f"{20 + number}A")
        assert lock.acquire(key, f"lock-{number}").verdict is Acquisition.ACQUIRED
        assert lock.inspect(key).owner == f"lock-{number}"
        assert lock.inspect(OTHER_KEY).owner == "lock-held"
        assert lock.release(key, f"lock-{number}").verdict is Release.RELEASED
        assert lock.inspect(key) == Inspection(None, None)


@both_ways
def test_what_frozen_nodes_were_asked_is_undone_when_they_thaw(five_nodes: list[Node], *, lead_first: bool) -> None:
    """Three of five: no quorum, in bounded time. Once thawed they take the lock and, in the same breath, give it up."""
    lock = _lock(five_nodes, lead_first=lead_first)
    lock.inspect(KEY)
    for node in five_nodes[:3]:
        node.freeze()
        node.client.close()
    started_s = time.monotonic()
    assert lock.acquire(KEY, "lock-a") == (Acquisition.UNKNOWN, None, Trouble.NO_QUORUM)
    assert time.monotonic() - started_s < TIMEOUT_S * 2.6
    _become(five_nodes[3:], [None] * 2)
    for node in five_nodes[:3]:
        node.thaw()
    wait_until(lambda: all(node.calls().get("delifeq") == 1 for node in five_nodes[:3]), "the rollback", 5)
    assert _owners(five_nodes) == [None] * 5
    assert lock.acquire(KEY, "lock-b").verdict is Acquisition.ACQUIRED


def test_a_dead_lead_has_a_successor(five_nodes: list[Node]) -> None:
    """A refusal is one command to the next node, again and again; the dead one costs nothing."""
    lock = _lock(five_nodes)
    assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED
    five_nodes[0].kill()
    assert lock.acquire(OTHER_KEY, "lock-a").verdict is Acquisition.ACQUIRED
    lock.inspect(KEY)
    for node in five_nodes[1:]:
        node.forget_calls()
    verdict, took_s = _timed(lock, KEY, "lock-b")
    assert verdict is Acquisition.HELD_BY_ANOTHER
    assert took_s < TIMEOUT_S
    assert [node.calls() for node in five_nodes[1:]] == [{"set": 1}, {}, {}, {}]


def test_a_node_that_came_back_is_used_again(five_nodes: list[Node]) -> None:
    """Empty, after the second for which it is left alone; what it doesn't know, the majority does."""
    lock = _lock(five_nodes)
    lock.acquire(KEY, "lock-a")
    five_nodes[0].kill()
    assert lock.acquire(KEY, "lock-b").verdict is Acquisition.HELD_BY_ANOTHER
    five_nodes[0].restart()

    def is_asked_again() -> bool:
        assert lock.acquire(KEY, "lock-b").verdict is Acquisition.HELD_BY_ANOTHER
        return "set" in five_nodes[0].calls()

    wait_until(is_asked_again, "the restarted node to be asked", 5)
    assert _owners(five_nodes) == [None] + [b"lock-a"] * 4
