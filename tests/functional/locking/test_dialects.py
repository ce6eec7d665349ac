"""Comparing and deleting in one step, in the words of each server: DELIFEQ, DELEX … IFEQ, or a script."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.locking import Acquisition, Extension, Release, SeatLock, Trouble, open_lock, seat_key
from tests.functional.locking.dialects import Dialect, Relay, redis_7, redis_8_4
from tests.functional.locking.topologies import Node, start_node

KEY = seat_key("KBP-BCN-0615", "12A")


def _lock(url: str) -> SeatLock:
    return open_lock(url, ttl_ms=60_000, timeout_ms=2_000)


def _use(lock: SeatLock) -> None:
    """Every outcome that a release and an extension can have, each asked for twice over."""
    for _ in range(2):
        assert lock.extend(KEY, "lock-a").verdict is Extension.EXPIRED
        assert lock.release(KEY, "lock-a").verdict is Release.EXPIRED
        assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED
        assert lock.extend(KEY, "lock-b").verdict is Extension.OWNED_BY_ANOTHER
        assert lock.release(KEY, "lock-b").verdict is Release.OWNED_BY_ANOTHER
        assert lock.extend(KEY, "lock-a").verdict is Extension.EXTENDED
        assert lock.release(KEY, "lock-a").verdict is Release.RELEASED


@pytest.fixture
def without_delifeq(tmp_path: Path) -> Iterator[Node]:
    """A server that DELIFEQ was taken away from."""
    node = start_node(tmp_path, "--rename-command", "DELIFEQ", "")
    yield node
    node.end()


def test_valkey_9_needs_no_script(node: Node) -> None:
    """DELIFEQ releases and SET … IFEQ extends."""
    _use(_lock(node.url))
    calls = node.calls()
    assert calls["delifeq"] == 6
    assert not {"eval", "evalsha"} & calls.keys()


def test_a_script_releases_where_delifeq_is_missing(without_delifeq: Node) -> None:
    """What the server can't do is learnt once; extending it can do without a script."""
    lock = _lock(without_delifeq.url)
    _use(lock)
    calls = without_delifeq.calls()
    assert calls["eval"] + calls.get("evalsha", 0) == 6
    without_delifeq.forget_calls()
    assert lock.extend(KEY, "lock-a").verdict is Extension.EXPIRED
    assert not {"eval", "evalsha"} & without_delifeq.calls().keys()


def test_a_server_that_forgot_its_scripts_is_no_trouble(without_delifeq: Node) -> None:
    """As after a restart or a failover: the release does its work all the same."""
    lock = _lock(without_delifeq.url)
    for _ in range(3):
        lock.acquire(KEY, "lock-a")
        without_delifeq.client.script_flush()
        assert lock.release(KEY, "lock-a") == (Release.RELEASED, None, None)
    assert without_delifeq.client.exists(KEY) == 0


def test_a_restarted_server_is_no_trouble_either(without_delifeq: Node) -> None:
    """It is empty and knows no script and no connection; the same lock takes the seat and releases it."""
    lock = _lock(without_delifeq.url)
    lock.acquire(KEY, "lock-a")
    lock.release(KEY, "lock-a")
    without_delifeq.restart()
    assert lock.acquire(KEY, "lock-b").verdict is Acquisition.ACQUIRED
    assert lock.release(KEY, "lock-b").verdict is Release.RELEASED
    assert without_delifeq.client.exists(KEY) == 0


def test_a_user_who_may_not_run_delifeq_gets_the_script(node: Node) -> None:
    """NOPERM is a reason to take the next way, not to give up."""
    node.ask("ACL", "SETUSER", "seats", "on", ">secret", "~seat:*", "+@all", "-delifeq")
    _use(_lock(f"redis://seats:secret@127.0.0.1:{node.port}"))
    assert node.calls()["eval"] == 6


def test_a_user_who_may_release_in_no_way_is_told_so(node: Node) -> None:
    """The lock stays, and runs out by itself."""
    node.ask("ACL", "SETUSER", "seats", "on", ">secret", "~seat:*", "+@all", "-delifeq", "-@scripting")
    lock = _lock(f"redis://seats:secret@127.0.0.1:{node.port}")
    assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED
    assert lock.release(KEY, "lock-a") == (Release.UNKNOWN, None, Trouble.NOT_AUTHENTICATED)
    assert node.client.get(KEY) == b"lock-a"


@pytest.mark.parametrize(
    ("dialect", "used", "never"),
    [(redis_8_4, {"DELEX"}, {"EVAL", "EVALSHA"}), (redis_7, {"EVAL"}, set())],
    ids=["redis 8.4", "redis 7"],
)
def test_redis_has_ways_of_its_own(node: Node, dialect: Dialect, used: set[str], never: set[str]) -> None:
    """No package brings a Redis of 8.4, so a relay before a real Valkey answers as Redis does to the commands in
    question; the newer needs no script, and either is asked only once for what it can't do."""
    relay = Relay(node.port, dialect)
    lock = _lock(relay.url)
    _use(lock)
    assert used <= set(relay.asked)
    assert not never & set(relay.asked)
    assert relay.asked.count("DELIFEQ") <= 1
    relay.asked.clear()
    _use(lock)
    assert "DELIFEQ" not in relay.asked
    lock.close()
    relay.end()
