"""The lock on a cluster: each seat has its node, slots move, and a dead node is a dead node's seats only."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.locking import Acquisition, Extension, Release, SeatLock, Trouble, open_lock, seat_key
from chalicelib.locking.slots import slot_of
from leleka.stack.config import free_ports
from tests.functional.locking.topologies import ClusterGroup, Node, add_replica, start_cluster, wait_until

TIMEOUT_MS = 500
SEATS = [seat_key("KBP-BCN-0615", f"{row}{letter}") for row in range(1, 11) for letter in "ABCDEF"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterGroup]:
    """A cluster for the tests that leave it whole."""
    group = start_cluster(tmp_path_factory.mktemp("cluster"))
    yield group
    group.end()


def _lock(group: ClusterGroup) -> SeatLock:
    return open_lock(group.url, ttl_ms=60_000, timeout_ms=TIMEOUT_MS)


def _slot(group: ClusterGroup, key: str) -> int:
    return int(group.nodes[0].ask("CLUSTER", "KEYSLOT", key))


def _id(node: Node) -> bytes:
    return bytes(node.ask("CLUSTER", "MYID"))


def _seats_of(group: ClusterGroup, number: int) -> list[str]:
    return [key for key in SEATS if _slot(group, key) * 3 // 16384 == number]


@pytest.mark.parametrize("key", [*SEATS[:3], "{a}b", "a{b}", "{}a", "{a", "a}{b}c", "{a}{b}", ""])
def test_a_keys_slot_is_the_one_that_the_nodes_say(cluster: ClusterGroup, key: str) -> None:
    """With braces in every place, too."""
    assert slot_of(key.encode()) == _slot(cluster, key)


def test_seats_are_spread_over_all_nodes(cluster: ClusterGroup) -> None:
    """Each is taken at the node that its slot belongs to, and released there."""
    lock = _lock(cluster)
    assert {lock.acquire(key, "lock-a").verdict for key in SEATS} == {Acquisition.ACQUIRED}
    for number, node in enumerate(cluster.nodes):
        assert set(node.client.keys("seat:*")) == {key.encode() for key in _seats_of(cluster, number)}
        assert len(node.client.keys("seat:*")) > 5
    assert {lock.release(key, "lock-a").verdict for key in SEATS} == {Release.RELEASED}
    assert [node.client.keys("*") for node in cluster.nodes] == [[], [], []]


def test_a_slot_that_has_moved_is_followed(cluster: ClusterGroup) -> None:
    """The lock knows the old place; MOVED takes it to the new one within the same call. The node that said so is asked
    for all slots, since it answers and seldom one moves alone."""
    lock, key = _lock(cluster), _seats_of(cluster, 0)[0]
    lock.acquire(key, "lock-a")
    lock.release(key, "lock-a")
    _give(cluster, key, cluster.nodes[1])
    for node in cluster.nodes:
        node.forget_calls()
    assert lock.acquire(key, "lock-a").verdict is Acquisition.ACQUIRED
    assert [node.calls().get("cluster|slots", 0) for node in cluster.nodes] == [1, 0, 0]
    assert cluster.nodes[1].client.get(key) == b"lock-a"
    assert lock.extend(key, "lock-a").verdict is Extension.EXTENDED
    assert lock.release(key, "lock-a").verdict is Release.RELEASED
    _give(cluster, key, cluster.nodes[0])


def test_a_slot_on_the_move_is_followed_too(cluster: ClusterGroup) -> None:
    """While it moves, the old node sends to the new one with ASK what it doesn't have itself."""
    lock, key = _lock(cluster), _seats_of(cluster, 0)[1]
    slot, (old, new, _) = _slot(cluster, key), cluster.nodes
    new.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", _id(old).decode())
    old.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", _id(new).decode())
    assert lock.acquire(key, "lock-a").verdict is Acquisition.ACQUIRED
    assert lock.acquire(key, "lock-b").verdict is Acquisition.HELD_BY_ANOTHER
    assert lock.extend(key, "lock-a").verdict is Extension.EXTENDED
    assert new.client.keys(key) == [key.encode()]
    assert lock.release(key, "lock-a").verdict is Release.RELEASED
    for node in (old, new):
        node.ask("CLUSTER", "SETSLOT", slot, "STABLE")


def test_a_user_who_may_not_run_delifeq_gets_the_script(cluster: ClusterGroup) -> None:
    """As on a single server: NOPERM is a reason to take the next way."""
    for node in cluster.nodes:
        node.ask("ACL", "SETUSER", "seats", "on", ">secret", "~seat:*", "+@all", "-delifeq")
    lock = open_lock(cluster.url.replace("//", "//seats:secret@"), ttl_ms=60_000, timeout_ms=TIMEOUT_MS)
    assert lock.acquire(SEATS[0], "lock-a").verdict is Acquisition.ACQUIRED
    assert lock.release(SEATS[0], "lock-b") == (Release.OWNED_BY_ANOTHER, None, None)
    assert lock.release(SEATS[0], "lock-a") == (Release.RELEASED, None, None)


def test_a_cluster_without_delifeq_gets_the_script(tmp_path: Path) -> None:
    """As any Redis is, and an older Valkey."""
    group = start_cluster(tmp_path, "--rename-command", "DELIFEQ", "")
    try:
        lock = _lock(group)
        assert {lock.acquire(key, "lock-a").verdict for key in SEATS} == {Acquisition.ACQUIRED}
        assert lock.release(SEATS[0], "lock-b") == (Release.OWNED_BY_ANOTHER, None, None)
        assert {lock.release(key, "lock-a").verdict for key in SEATS} == {Release.RELEASED}
        assert lock.release(SEATS[0], "lock-a") == (Release.EXPIRED, None, None)
    finally:
        group.end()


def test_a_start_asks_for_the_slots_once(cluster: ClusterGroup) -> None:
    """Then each seat costs the one command of a single server, at its own node."""
    lock = _lock(cluster)
    for node in cluster.nodes:
        node.forget_calls()
    for key in SEATS:
        lock.acquire(key, "lock-a")
    calls = [node.calls() for node in cluster.nodes]
    assert [each.pop("cluster|slots", 0) for each in calls] == [1, 0, 0]
    assert calls == [{"set": len(_seats_of(cluster, number))} for number in range(3)]
    for key in SEATS:
        lock.release(key, "lock-a")


def test_a_start_finds_the_cluster_by_the_next_node_of_the_url(cluster: ClusterGroup) -> None:
    """When the first is not there any more."""
    gone = free_ports(1)[0]
    url = cluster.url.replace("//", f"//127.0.0.1:{gone},")
    lock = open_lock(url, ttl_ms=60_000, timeout_ms=TIMEOUT_MS)
    for key in (_seats_of(cluster, number)[3] for number in range(3)):
        assert lock.acquire(key, "lock-a").verdict is Acquisition.ACQUIRED
        assert lock.release(key, "lock-a").verdict is Release.RELEASED


def test_a_user_who_may_not_ask_for_the_slots_is_sent_to_each_seats_node(cluster: ClusterGroup) -> None:
    """By the nodes; what they said of a seat is remembered."""
    for node in cluster.nodes:
        node.ask("ACL", "SETUSER", "blind", "on", ">secret", "~seat:*", "-@all", "+set", "+get", "+delifeq")
        node.forget_calls()
    lock = open_lock(cluster.url.replace("//", "//blind:secret@"), ttl_ms=60_000, timeout_ms=TIMEOUT_MS)
    key = _seats_of(cluster, 2)[0]
    assert lock.acquire(key, "lock-a").verdict is Acquisition.ACQUIRED
    assert lock.acquire(key, "lock-b").verdict is Acquisition.HELD_BY_ANOTHER
    assert cluster.nodes[0].ask("INFO", "errorstats")["errorstat_MOVED"]["count"] == 1
    assert lock.release(key, "lock-a").verdict is Release.RELEASED


def test_a_seat_has_a_new_node_when_the_replica_took_over(tmp_path: Path) -> None:
    """The master is dead; the lock finds out from the others within the same call, and goes on."""
    group = start_cluster(tmp_path)
    replica = add_replica(group, tmp_path, of=group.nodes[1])
    try:
        lock, key = _lock(group), _seats_of(group, 1)[0]
        assert lock.acquire(key, "lock-a").verdict is Acquisition.ACQUIRED
        group.nodes[1].ask("WAIT", 1, 1000)
        group.nodes[1].kill()
        replica.ask("CLUSTER", "FAILOVER", "TAKEOVER")
        others = (group.nodes[0], group.nodes[2])
        wait_until(lambda: all(_master_of(node, key) == replica.port for node in others), "the others to know it")
        assert lock.acquire(key, "lock-b").verdict is Acquisition.HELD_BY_ANOTHER
        assert lock.release(key, "lock-a").verdict is Release.RELEASED
        assert replica.calls()["delifeq"] == 1
    finally:
        replica.end()
        group.end()


def _master_of(node: Node, key: str) -> int:
    """The port that a node sends a key's requests to."""
    slot, ranges = int(node.ask("CLUSTER", "KEYSLOT", key)), node.client.execute_command("CLUSTER SLOTS")
    return next(int(master[1]) for first, last, master, *_ in ranges if first <= slot <= last)


def test_a_wrong_password_is_said(cluster: ClusterGroup) -> None:
    """Unknown, and the reason is not the network."""
    lock = open_lock(cluster.url.replace("//", "//seats:wrong@"), ttl_ms=60_000, timeout_ms=TIMEOUT_MS)
    assert lock.acquire(SEATS[0], "lock-a") == (Acquisition.UNKNOWN, None, Trouble.NOT_AUTHENTICATED)


def test_a_frozen_node_costs_bounded_time(cluster: ClusterGroup) -> None:
    """The first ask, the second, and what it takes to ask the cluster for its slots again. A start whose URL names it
    first goes on to the next."""
    lock = _lock(cluster)
    both = f"{cluster.url},127.0.0.1:{cluster.nodes[1].port}"
    frozen, alive = _seats_of(cluster, 0), _seats_of(cluster, 1)
    assert lock.acquire(frozen[0], "lock-a").verdict is Acquisition.ACQUIRED
    cluster.nodes[0].freeze()
    try:
        _expect_time_outs(lock, frozen[1:3])
        assert lock.acquire(alive[0], "lock-a").verdict is Acquisition.ACQUIRED
        started_s = time.monotonic()
        new = open_lock(both, ttl_ms=60_000, timeout_ms=TIMEOUT_MS)
        assert new.acquire(alive[0], "lock-a").verdict is Acquisition.ALREADY_OURS
        assert time.monotonic() - started_s < 3.5 * TIMEOUT_MS / 1000
    finally:
        cluster.nodes[0].thaw()
    assert lock.acquire(frozen[0], "lock-b").verdict is Acquisition.HELD_BY_ANOTHER


def _expect_time_outs(lock: SeatLock, keys: list[str]) -> None:
    for key in keys:
        started_s = time.monotonic()
        assert lock.acquire(key, "lock-a") == (Acquisition.UNKNOWN, None, Trouble.TIMED_OUT)
        assert time.monotonic() - started_s < 3.5 * TIMEOUT_MS / 1000


def test_a_dead_node_is_its_seats_only(cluster_group: ClusterGroup) -> None:
    """Its seats are unknown in bounded time, each time; the others' are taken as ever. Then a slot that nobody serves:
    the cluster says so, and the lock says that it isn't ready."""
    lock = _lock(cluster_group)
    dead, alive = _seats_of(cluster_group, 2), _seats_of(cluster_group, 0) + _seats_of(cluster_group, 1)
    assert lock.acquire(dead[0], "lock-a").verdict is Acquisition.ACQUIRED
    cluster_group.nodes[2].kill()
    for key in dead[1:4]:
        started_s = time.monotonic()
        answer = lock.acquire(key, "lock-a")
        assert time.monotonic() - started_s < 2 * TIMEOUT_MS / 1000
        assert answer == (Acquisition.UNKNOWN, None, Trouble.REFUSED)
    assert {lock.acquire(key, "lock-a").verdict for key in alive} == {Acquisition.ACQUIRED}
    for node in cluster_group.nodes[:2]:
        node.ask("CLUSTER", "DELSLOTS", _slot(cluster_group, alive[0]))
    assert lock.acquire(alive[0], "lock-b") == (Acquisition.UNKNOWN, None, Trouble.NOT_READY)


def test_a_dead_cluster_is_an_unknown_outcome(cluster_group: ClusterGroup) -> None:
    """Not a refusal, and not an error, whether the lock had connections or not."""
    lock, new = _lock(cluster_group), _lock(cluster_group)
    assert lock.acquire(SEATS[0], "lock-a").verdict is Acquisition.ACQUIRED
    cluster_group.end()
    for each in (lock, new):
        assert each.acquire(SEATS[0], "lock-a") == (Acquisition.UNKNOWN, None, Trouble.REFUSED)
        assert each.release(SEATS[0], "lock-a") == (Release.UNKNOWN, None, Trouble.REFUSED)


def _give(group: ClusterGroup, key: str, receiver: Node) -> None:
    # The receiver first, or the giver would hear from it that the slot is still its own.
    for node in [receiver, *(node for node in group.nodes if node is not receiver)]:
        node.ask("CLUSTER", "SETSLOT", _slot(group, key), "NODE", _id(receiver).decode())
