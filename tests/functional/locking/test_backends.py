"""One contract for the lock on whatever its URL names: a server, a Sentinel group, a cluster, Redlock, nothing."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from chalicelib.locking import Acquisition, Extension, Inspection, Release, SeatLock, open_lock, seat_key
from tests.functional.locking.backends import BACKENDS, TIMEOUT_MS, TTL_MS, Backend
from tests.functional.locking.topologies import wait_until

LIFETIME_S = TTL_MS / 1000 * 0.99 - 0.002  # what a holder may rely on: clocks drift
PAUSE_S = 0.3
_seats = itertools.count()


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Each kind in turn; its servers serve all the tests."""
    started, end = BACKENDS[request.param](tmp_path_factory.mktemp("backend"))
    yield started
    end()


@pytest.fixture
def lock(backend: Backend) -> Iterator[SeatLock]:
    """A lock on the backend."""
    opened = backend.lock()
    yield opened
    opened.close()


@pytest.fixture
def key() -> str:
    """A seat that no other test uses."""
    return seat_key("KBP-BCN-0615", f"{next(_seats)}A")


def test_a_free_seat_is_acquired_and_expires_by_itself(backend: Backend, lock: SeatLock, key: str) -> None:
    """Every copy has the owner's id and the full lifetime in milliseconds; drift is off what the holder relies on."""
    before_s = time.monotonic()
    answer = lock.acquire(key, "lock-a")
    after_s = time.monotonic()
    assert (answer.verdict, answer.trouble) == (Acquisition.ACQUIRED, None)
    assert answer.valid_until_s is not None
    assert before_s + LIFETIME_S <= answer.valid_until_s <= after_s + LIFETIME_S
    backend.become(key, ["lock-a"] * backend.copies)
    remaining_ms = [remaining_ms for _, remaining_ms in backend.holders(key)]
    since_ms = (time.monotonic() - before_s) * 1000 + 2
    assert all(TTL_MS - since_ms <= each <= TTL_MS for each in remaining_ms)


def test_validity_starts_when_it_was_asked_for(backend: Backend, lock: SeatLock, key: str) -> None:
    """The servers answer late; they may have taken the lock at once, so what the holder relies on counts from then."""
    lock.inspect(key)  # connected
    before_s = time.monotonic()
    for node in backend.nodes:
        node.ask("CLIENT", "PAUSE", int(PAUSE_S * 1000), "ALL")
    answer = lock.acquire(key, "lock-a")
    assert time.monotonic() - before_s > PAUSE_S
    assert answer.valid_until_s is not None
    assert answer.valid_until_s < before_s + PAUSE_S / 2 + LIFETIME_S


def test_the_owner_gets_its_lock_again_for_what_is_left_of_it(backend: Backend, lock: SeatLock, key: str) -> None:
    """A repeated step is told so, and neither is told nor given more time than the lock has."""
    backend.take(lock, key, "lock-a")
    backend.shorten(key, 20_000)
    answer = lock.acquire(key, "lock-a")
    assert (answer.verdict, answer.trouble) == (Acquisition.ALREADY_OURS, None)
    assert answer.valid_until_s is not None
    assert 10 < answer.valid_until_s - time.monotonic() <= 20
    assert all(remaining_ms <= 20_000 for _, remaining_ms in backend.holders(key))


def test_another_is_refused_and_changes_nothing(backend: Backend, lock: SeatLock, key: str) -> None:
    """The owner keeps its lock and its time, and the refused id is nowhere."""
    backend.take(lock, key, "lock-a")
    backend.shorten(key, 20_000)
    answer = backend.lock().acquire(key, "lock-b")
    assert answer == (Acquisition.HELD_BY_ANOTHER, None, None)
    assert backend.owners(key) == ["lock-a"] * backend.copies
    assert all(10_000 < remaining_ms <= 20_000 for _, remaining_ms in backend.holders(key))


def test_only_the_owner_releases(backend: Backend, lock: SeatLock, key: str) -> None:
    """Another is told whose it is not; the owner's release leaves nothing; released again, it is gone."""
    backend.take(lock, key, "lock-a")
    assert lock.release(key, "lock-b") == (Release.OWNED_BY_ANOTHER, None, None)
    assert backend.owners(key) == ["lock-a"] * backend.copies
    assert lock.release(key, "lock-a") == (Release.RELEASED, None, None)
    backend.become(key, [])
    assert lock.release(key, "lock-a") == (Release.EXPIRED, None, None)


def test_only_the_owner_extends(backend: Backend, lock: SeatLock, key: str) -> None:
    """The owner has the full lifetime again, on every copy; another changes nothing."""
    backend.take(lock, key, "lock-a")
    backend.shorten(key, 20_000)
    assert lock.extend(key, "lock-b") == (Extension.OWNED_BY_ANOTHER, None, None)
    assert backend.owners(key) == ["lock-a"] * backend.copies
    assert all(remaining_ms <= 20_000 for _, remaining_ms in backend.holders(key))
    before_s = time.monotonic()
    answer = lock.extend(key, "lock-a")
    after_s = time.monotonic()
    assert (answer.verdict, answer.trouble) == (Extension.EXTENDED, None)
    assert answer.valid_until_s is not None
    assert before_s + LIFETIME_S <= answer.valid_until_s <= after_s + LIFETIME_S
    wait_until(lambda: all(left_ms > 50_000 for _, left_ms in backend.holders(key)), "every copy to be extended", 5)
    assert backend.owners(key) == ["lock-a"] * backend.copies


def test_a_lock_that_ran_out_is_not_made_again_by_extending_it(backend: Backend, lock: SeatLock, key: str) -> None:
    """Its time has ended on every node; the extension says so and leaves no key anywhere."""
    backend.take(lock, key, "lock-a")
    backend.shorten(key, 20)
    backend.become(key, [])
    assert lock.extend(key, "lock-a") == (Extension.EXPIRED, None, None)
    assert lock.release(key, "lock-a") == (Release.EXPIRED, None, None)
    assert backend.owners(key) == []
    assert lock.acquire(key, "lock-b").verdict is Acquisition.ACQUIRED


def test_a_look_shows_the_owner_and_the_time_left(backend: Backend, lock: SeatLock, key: str) -> None:
    """Nobody's while it is free."""
    assert lock.inspect(key) == Inspection(None, None)
    backend.take(lock, key, "lock-a")
    backend.shorten(key, 20_000)
    seen = lock.inspect(key)
    assert seen.owner == "lock-a"
    assert seen.remaining_ms is not None
    assert 10_000 < seen.remaining_ms <= 20_000


def test_seats_do_not_disturb_each_other(backend: Backend, lock: SeatLock) -> None:
    """A cabin full of locks: each has its own owner, and nothing is left once all are released."""
    keys = [seat_key("LIS-RIX-0902", f"{row}{letter}") for row in range(1, 21) for letter in "ABC"]
    for key in keys:
        assert lock.acquire(key, f"lock of {key}").verdict is Acquisition.ACQUIRED
    assert [lock.inspect(key).owner for key in keys] == [f"lock of {key}" for key in keys]
    for key in keys:
        assert lock.release(key, f"lock of {key}").verdict is Release.RELEASED
    wait_until(lambda: not any(node.client.keys("seat:LIS-RIX-0902:*") for node in backend.nodes), "all to be gone", 5)


def test_threads_that_share_a_lock_get_their_own_answers(backend: Backend, lock: SeatLock, key: str) -> None:
    """One takes and releases its seat over and over, one is always refused, one always looks: no reply goes astray."""
    backend.take(lock, key, "lock-held")
    together = Barrier(3)

    def take_and_release() -> set[object]:
        together.wait()
        own = [(lock.acquire(f"{key}-own", "lock-a"), lock.release(f"{key}-own", "lock-a")) for _ in range(100)]
        return {answer.verdict for pair in own for answer in pair}

    def be_refused() -> set[object]:
        together.wait()
        return {lock.acquire(key, "lock-b").verdict for _ in range(200)}

    def look() -> set[object]:
        together.wait()
        return {lock.inspect(key).owner for _ in range(200)}

    with ThreadPoolExecutor(3) as pool:
        each = [pool.submit(work) for work in (take_and_release, be_refused, look)]
        taken, refused, seen = [future.result(60) for future in each]
    assert taken == {Acquisition.ACQUIRED, Release.RELEASED}
    assert refused == {Acquisition.HELD_BY_ANOTHER}
    assert seen == {"lock-held"}


def test_of_16_at_once_at_most_one_gets_the_seat(backend: Backend, key: str) -> None:
    """Exactly one where one node decides; where all are asked at once they may all lose, and then nothing is left."""
    together = Barrier(16)

    def acquire(number: int) -> Acquisition:
        lock = backend.lock()
        together.wait()
        try:
            return lock.acquire(key, f"lock-{number}").verdict
        finally:
            lock.close()

    with ThreadPoolExecutor(16) as pool:
        verdicts = list(pool.map(acquire, range(16)))
    assert verdicts.count(Acquisition.HELD_BY_ANOTHER) >= 15
    winners = [f"lock-{number}" for number, verdict in enumerate(verdicts) if verdict is Acquisition.ACQUIRED]
    assert len(winners) == 1 or (not winners and not backend.lead_first)
    wait_until(lambda: set(backend.owners(key)) == set(winners), "only the winner's keys to be left", 5)


def test_connections_that_were_cut_are_made_again(backend: Backend, lock: SeatLock, key: str) -> None:
    """As by a server's time-out for idle clients: the call that finds out is not the one that suffers."""
    for _ in range(2):
        lock.inspect(key)
        for node in backend.nodes:
            node.cut_clients()
        assert lock.acquire(key, "lock-a").verdict is Acquisition.ACQUIRED
        for node in backend.nodes:
            node.cut_clients()
        assert lock.release(key, "lock-a").verdict is Release.RELEASED
        backend.become(key, [])


def test_without_redis_the_database_decides_alone(key: str) -> None:
    """Every verdict is unknown, and nothing is in trouble."""
    lock = open_lock("none:", ttl_ms=TTL_MS, timeout_ms=TIMEOUT_MS)
    assert lock.acquire(key, "lock-a") == (Acquisition.UNKNOWN, None, None)
    assert lock.extend(key, "lock-a") == (Extension.UNKNOWN, None, None)
    assert lock.release(key, "lock-a") == (Release.UNKNOWN, None, None)
    assert lock.inspect(key) == Inspection(None, None)
    lock.close()
