"""The lock on a Sentinel group: it follows the master, whoever that is, and never waits long for one."""

import time
from collections.abc import Iterator

import pytest

from chalicelib.locking import Acquisition, Extension, Release, SeatLock, Trouble, open_lock, seat_key
from tests.functional.locking.topologies import SERVICE, SentinelGroup, start_sentinel_group, wait_until

KEY = seat_key("KBP-BCN-0615", "12A")
OTHER_KEY = seat_key("KBP-BCN-0615", "12B")
TIMEOUT_MS = 500


def _lock(url: str) -> SeatLock:
    return open_lock(url, ttl_ms=60_000, timeout_ms=TIMEOUT_MS)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelGroup]:
    """A group for the tests that change nothing about it."""
    group = start_sentinel_group(tmp_path_factory.mktemp("healthy"))
    yield group
    group.end()


def test_the_lock_is_taken_at_the_master(healthy: SentinelGroup) -> None:
    """The URL names the Sentinels only; the master has the key first."""
    assert _lock(healthy.url).acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED
    assert healthy.master.client.get(KEY) == b"lock-a"
    assert healthy.master.calls()["set"] == 1


def test_one_of_the_sentinels_is_enough(healthy: SentinelGroup) -> None:
    """The first of the list is a port where nobody listens, as after its death, and costs no time-out."""
    addresses = f"127.0.0.1:1,127.0.0.1:{healthy.sentinels[2].port}"
    started_s = time.monotonic()
    answer = _lock(f"redis+sentinel://{addresses}/{SERVICE}").acquire(seat_key("KBP-BCN-0615", "13A"), "lock-a")
    assert answer.verdict is Acquisition.ACQUIRED
    assert time.monotonic() - started_s < TIMEOUT_MS / 1000


def test_a_frozen_sentinel_costs_time_outs_and_no_more(healthy: SentinelGroup) -> None:
    """The second of the list is asked instead; the time is bounded though nobody refuses."""
    healthy.sentinels[0].freeze()
    try:
        started_s = time.monotonic()
        answer = _lock(healthy.url).acquire(seat_key("KBP-BCN-0615", "14A"), "lock-a")
        took_s = time.monotonic() - started_s
    finally:
        healthy.sentinels[0].thaw()
    assert answer.verdict is Acquisition.ACQUIRED
    assert took_s < 2 * TIMEOUT_MS / 1000


def test_a_service_that_nobody_knows_has_no_master(healthy: SentinelGroup) -> None:
    """The outcome is unknown and says why; the next call may ask again."""
    lock = _lock(healthy.url.replace(f"/{SERVICE}", "/berths"))
    for _ in range(2):
        assert lock.acquire(KEY, "lock-a") == (Acquisition.UNKNOWN, None, Trouble.NOT_READY)


def test_without_sentinels_nothing_is_known() -> None:
    """All ports are dead: unknown, at once, and not an error."""
    started_s = time.monotonic()
    answer = _lock(f"redis+sentinel://127.0.0.1:1,127.0.0.1:2/{SERVICE}").acquire(KEY, "lock-a")
    assert answer.verdict is Acquisition.UNKNOWN
    assert answer.trouble in {Trouble.REFUSED, Trouble.NOT_READY}
    assert time.monotonic() - started_s < TIMEOUT_MS / 1000


def test_a_demoted_master_says_so_and_the_lock_goes_to_the_real_one(sentinel_group: SentinelGroup) -> None:
    """The old master keeps our connection and answers READONLY; the same call ends at the new one, and the lock that
    was taken before is still known there. DELIFEQ is taken away, so that scripts are forgotten by the failover too."""
    for node in sentinel_group.nodes:
        node.ask("ACL", "SETUSER", "default", "-delifeq")
    lock = _lock(sentinel_group.url)
    assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED
    assert lock.release(KEY, "lock-b").verdict is Release.OWNED_BY_ANOTHER
    old = sentinel_group.master
    wait_until(lambda: [node.client.get(KEY) for node in sentinel_group.nodes] == [b"lock-a"] * 3, "the replicas", 5)
    new = sentinel_group.fail_over()
    assert new is not old
    assert lock.acquire(OTHER_KEY, "lock-b").verdict is Acquisition.ACQUIRED
    assert new.client.get(OTHER_KEY) == b"lock-b"
    assert lock.acquire(KEY, "lock-c").verdict is Acquisition.HELD_BY_ANOTHER
    assert lock.extend(KEY, "lock-a").verdict is Extension.EXTENDED
    assert lock.release(KEY, "lock-a").verdict is Release.RELEASED
    assert new.client.get(KEY) is None


def test_a_dead_master_is_replaced(sentinel_group: SentinelGroup) -> None:
    """Until the Sentinels agree each call is unknown, in bounded time; after that the same lock works again."""
    lock = _lock(sentinel_group.url)
    assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED
    old = sentinel_group.master
    wait_until(lambda: [node.client.get(KEY) for node in sentinel_group.nodes] == [b"lock-a"] * 3, "the replicas", 5)
    old.kill()
    took_s: list[float] = []
    troubles: set[Trouble | None] = set()

    def is_acquired() -> bool:
        started_s = time.monotonic()
        answer = lock.acquire(OTHER_KEY, "lock-b")
        took_s.append(time.monotonic() - started_s)
        troubles.add(answer.trouble)
        return answer.verdict in {Acquisition.ACQUIRED, Acquisition.ALREADY_OURS}

    wait_until(is_acquired, "the lock to find the new master")
    assert max(took_s) < 4 * TIMEOUT_MS / 1000
    assert troubles <= {None, Trouble.REFUSED, Trouble.NOT_READY, Trouble.READ_ONLY}
    assert Trouble.REFUSED in troubles
    new = sentinel_group.wait_for_master_after(old)
    assert new.client.get(OTHER_KEY) == b"lock-b"
    assert lock.acquire(KEY, "lock-c").verdict is Acquisition.HELD_BY_ANOTHER
