"""The watchdog's thread, with a lock in memory whose answers the test chooses. It waits for events, never for time."""

import threading
import time
from collections.abc import Iterator
from queue import Queue

import pytest

from chalicelib.locking import Answer, Extension, Trouble
from chalicelib.locking.watchdog import Loss, Watch, Watchdog
from tests.fakes import FakeLock

KEY, WAIT_S = "seat:KBP-BCN-0615:12A:lock", 10.0


class RenewableLock(FakeLock):
    """Tells each extension through a queue, and answers it as the test says."""

    def __init__(self, ttl_ms: int) -> None:
        super().__init__()
        self.ttl_ms = ttl_ms
        self.extensions: Queue[tuple[str, float]] = Queue()
        self.answer: Answer[Extension] | None = None
        self.latency_s = 0.0
        self.gate = threading.Event()
        self.gate.set()

    def extend(self, key: str, lock_id: str) -> Answer[Extension]:
        """Full time again, unless the test says otherwise."""
        self.extensions.put((f"{key}/{lock_id}", time.monotonic()))
        self.gate.wait(WAIT_S)
        time.sleep(self.latency_s)  # a server that takes its time is what some tests are about
        return self.answer or Answer(Extension.EXTENDED, time.monotonic() + self.ttl_ms / 1000)


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    """Ended with the test."""
    made = Watchdog()
    yield made
    made.close()


class Holder:
    """Holds one lock, and hears of its loss."""

    def __init__(self, watchdog: Watchdog, lock: RenewableLock, key: str = KEY, limit_s: float = 60.0) -> None:
        self.losses: Queue[Loss] = Queue()
        self.watch: Watch = watchdog.keep(
            lock,
            key,
            "a",
            valid_until_s=time.monotonic() + lock.ttl_ms / 1000,
            limit_s=limit_s,
            on_lost=self.losses.put,
        )


def test_a_lock_is_renewed_each_third_of_its_lifetime(watchdog: Watchdog) -> None:
    """Never sooner, and far more often than it would run out."""
    lock = RenewableLock(ttl_ms=90)
    started_s = time.monotonic()
    holder = Holder(watchdog, lock)
    for number in range(1, 6):
        name, at_s = lock.extensions.get(timeout=WAIT_S)
        assert name == f"{KEY}/a"
        assert at_s - started_s >= 0.03 * number
    holder.watch.end()
    assert holder.watch.loss is None


@pytest.mark.parametrize(
    ("answer", "loss"),
    [(Extension.EXPIRED, Loss.EXPIRED), (Extension.OWNED_BY_ANOTHER, Loss.OWNED_BY_ANOTHER)],
)
def test_a_lost_lock_is_told_at_once_and_not_renewed_again(watchdog: Watchdog, answer: Extension, loss: Loss) -> None:
    """With the first answer that says so."""
    lock = RenewableLock(ttl_ms=60)
    lock.answer = Answer(answer)
    holder = Holder(watchdog, lock)
    assert holder.losses.get(timeout=WAIT_S) is loss
    assert holder.watch.loss is loss
    assert lock.extensions.qsize() == 1


def test_a_silent_server_is_a_loss_only_when_the_time_has_run_out(watchdog: Watchdog) -> None:
    """Until then it is asked again."""
    lock = RenewableLock(ttl_ms=90)
    lock.answer = Answer(Extension.UNKNOWN, trouble=Trouble.TIMED_OUT)
    valid_until_s = time.monotonic() + 0.09
    holder = Holder(watchdog, lock)
    assert holder.losses.get(timeout=WAIT_S) is Loss.UNREACHABLE
    assert time.monotonic() >= valid_until_s - 0.01
    assert lock.extensions.qsize() > 1


def test_a_server_that_answers_again_in_time_is_no_loss(watchdog: Watchdog) -> None:
    """The lock goes on."""
    lock = RenewableLock(ttl_ms=300)
    lock.answer = Answer(Extension.UNKNOWN, trouble=Trouble.TIMED_OUT)
    holder = Holder(watchdog, lock)
    lock.extensions.get(timeout=WAIT_S)
    lock.answer = None
    for _ in range(3):
        lock.extensions.get(timeout=WAIT_S)
    assert holder.losses.empty()
    holder.watch.end()


def test_a_lock_is_kept_no_longer_than_its_limit(watchdog: Watchdog) -> None:
    """The holder is told, and the lock runs out by itself."""
    lock = RenewableLock(ttl_ms=60)
    started_s = time.monotonic()
    holder = Holder(watchdog, lock, limit_s=0.1)
    assert holder.losses.get(timeout=WAIT_S) is Loss.LIMIT_REACHED
    assert time.monotonic() - started_s >= 0.1
    assert all(at_s - started_s < 0.1 for _, at_s in list(lock.extensions.queue))


def test_ending_waits_for_a_renewal_under_way_and_none_follows(watchdog: Watchdog) -> None:
    """Whoever releases after that can't be followed by an extension."""
    lock = RenewableLock(ttl_ms=30)
    lock.gate.clear()
    holder = Holder(watchdog, lock)
    other = Holder(watchdog, lock, key="other")
    lock.extensions.get(timeout=WAIT_S)  # one of the two is under way now
    ended = threading.Event()

    def end_both() -> None:
        holder.watch.end()
        other.watch.end()
        ended.set()

    threading.Thread(target=end_both).start()
    assert not ended.wait(0.05)
    lock.gate.set()
    assert ended.wait(WAIT_S)
    done = lock.extensions.qsize()
    third = Holder(watchdog, lock, key="third")
    while lock.extensions.get(timeout=WAIT_S)[0] != "third/a":
        done -= 1
    assert done >= 0
    third.watch.end()


def test_one_thread_keeps_many_locks(watchdog: Watchdog) -> None:
    """All of 500 are renewed, and they need one thread."""
    lock = RenewableLock(ttl_ms=300)
    before = threading.active_count()
    holders = [Holder(watchdog, lock, key=f"seat-{number}") for number in range(500)]
    assert threading.active_count() == before + 1
    renewed: set[str] = set()
    while len(renewed) < 500:
        renewed.add(lock.extensions.get(timeout=WAIT_S)[0])
    assert all(holder.losses.empty() for holder in holders)
    for holder in holders:
        holder.watch.end()


def test_a_shorter_lock_wakes_the_thread_earlier(watchdog: Watchdog) -> None:
    """It sleeps until the long one is due, unless it is told."""
    long, short = RenewableLock(ttl_ms=600_000), RenewableLock(ttl_ms=60)
    holders = [Holder(watchdog, long), Holder(watchdog, short)]
    short.extensions.get(timeout=WAIT_S)
    assert long.extensions.empty()
    for holder in holders:
        holder.watch.end()


def test_a_lock_that_raises_is_a_silent_server(watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is reported, and the holder hears of the loss when its time has run out."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    lock = RenewableLock(ttl_ms=60)
    monkeypatch.setattr(lock, "extend", lambda *_: 1 // 0)
    assert Holder(watchdog, lock).losses.get(timeout=WAIT_S) is Loss.UNREACHABLE


def test_a_silent_server_does_not_keep_another_s_locks_waiting(watchdog: Watchdog) -> None:
    """Forty locks on a server that lets each time-out pass, and one on a server that answers."""
    silent, healthy = RenewableLock(ttl_ms=600), RenewableLock(ttl_ms=600)
    silent.answer = Answer(Extension.UNKNOWN, trouble=Trouble.TIMED_OUT)
    silent.latency_s = 0.05
    lost = [Holder(watchdog, silent, key=f"silent-{number}") for number in range(40)]
    kept = Holder(watchdog, healthy)
    for holder in lost:
        assert holder.losses.get(timeout=WAIT_S) is Loss.UNREACHABLE
    assert kept.losses.empty()
    assert kept.watch.valid_until_s > time.monotonic()
    kept.watch.end()


def test_a_watchdog_can_be_closed_by_a_holder(watchdog: Watchdog) -> None:
    """From its own thread; and a closed one keeps nothing, and says so."""
    lock = RenewableLock(ttl_ms=60)
    lock.answer = Answer(Extension.EXPIRED)
    closed = threading.Event()

    def close(_: Loss) -> None:
        watchdog.close()
        closed.set()

    watchdog.keep(lock, KEY, "a", valid_until_s=time.monotonic() + 1, limit_s=60, on_lost=close)
    assert closed.wait(WAIT_S)
    with pytest.raises(RuntimeError, match="closed"):
        Holder(watchdog, lock)


def test_an_error_of_one_holder_does_not_end_the_others(watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported as a thread's error, and the thread goes on."""
    reported: Queue[threading.ExceptHookArgs] = Queue()
    monkeypatch.setattr(threading, "excepthook", reported.put)
    lost, kept = RenewableLock(ttl_ms=60), RenewableLock(ttl_ms=60)
    lost.answer = Answer(Extension.EXPIRED)

    def fail(_: Loss) -> None:
        raise RuntimeError("the holder's own mistake")

    watchdog.keep(lost, KEY, "a", valid_until_s=time.monotonic() + 1, limit_s=60, on_lost=fail)
    assert str(reported.get(timeout=WAIT_S).exc_value) == "the holder's own mistake"
    holder = Holder(watchdog, kept)
    kept.extensions.get(timeout=WAIT_S)
    holder.watch.end()
