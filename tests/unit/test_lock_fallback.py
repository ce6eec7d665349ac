"""The circuit breaker in front of the lock, with a lock and a clock that the test moves."""

import json

import pytest

from chalicelib.locking import Acquisition, Answer, Extension, Release, Trouble
from chalicelib.locking.fallback import Fallback
from chalicelib.seat.fallback_reports import WINDOW_S, FallbackReports
from tests.fakes import FakeLock

KEY = "seat:KBP-BCN-0615:12A:lock"


class CountingLock(FakeLock):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def acquire(self, key: str, lock_id: str) -> Answer[Acquisition]:
        """As the real one."""
        self.asked += 1
        return super().acquire(key, lock_id)

    def release(self, key: str, lock_id: str) -> Answer[Release]:
        """As the real one."""
        self.asked += 1
        return super().release(key, lock_id)


class Breaker:
    """A breaker that opens after 3 failures for 5 s, and what can be seen of it."""

    def __init__(self) -> None:
        self.lock = CountingLock()
        self.now_s = 100.0
        self.told: list[Trouble] = []
        self.guarded = Fallback(self.lock, self.told.append, clock=lambda: self.now_s)

    def fail(self, times: int = 3) -> None:
        """Lets so many calls fail."""
        self.lock.down = True
        for number in range(times):
            assert self.guarded.acquire(KEY, f"failed-{number}").verdict is Acquisition.UNKNOWN


@pytest.fixture
def breaker() -> Breaker:
    """A closed one."""
    return Breaker()


def test_what_is_answered_goes_through_unchanged(breaker: Breaker) -> None:
    """Nothing is told, and nothing is kept."""
    assert breaker.guarded.acquire(KEY, "a").verdict is Acquisition.ACQUIRED
    assert breaker.guarded.acquire(KEY, "b").verdict is Acquisition.HELD_BY_ANOTHER
    assert breaker.guarded.extend(KEY, "a").verdict is Extension.EXTENDED
    assert breaker.guarded.inspect(KEY).owner == "a"
    assert breaker.guarded.release(KEY, "a").verdict is Release.RELEASED
    assert breaker.told == []


def test_after_three_failures_in_a_row_nothing_is_asked_for_five_seconds(breaker: Breaker) -> None:
    """A dead server doesn't cost its time-out on every request; each request is counted all the same."""
    breaker.fail()
    for _ in range(50):
        assert breaker.guarded.acquire(KEY, "a") == (Acquisition.UNKNOWN, None, Trouble.REFUSED)
    assert breaker.lock.asked == 3
    assert breaker.told == [Trouble.REFUSED] * 53


def test_two_failures_and_an_answer_leave_it_closed(breaker: Breaker) -> None:
    """Only failures in a row count."""
    for _ in range(5):
        breaker.fail(2)
        breaker.lock.down = False
        assert breaker.guarded.acquire(KEY, "a").trouble is None
    assert breaker.lock.asked == 15


def test_then_one_call_is_let_through_and_its_failure_opens_it_again(breaker: Breaker) -> None:
    """One time-out every five seconds, not one a request."""
    breaker.fail()
    breaker.now_s += 5
    for _ in range(10):
        breaker.guarded.acquire(KEY, "a")
    assert breaker.lock.asked == 4


def test_it_returns_to_the_server_by_itself(breaker: Breaker) -> None:
    """The first answer closes it."""
    breaker.fail()
    breaker.lock.down = False
    assert breaker.guarded.acquire(KEY, "a").verdict is Acquisition.UNKNOWN
    breaker.now_s += 5
    assert breaker.guarded.acquire(KEY, "a").verdict is Acquisition.ACQUIRED
    assert breaker.guarded.acquire(KEY, "b").verdict is Acquisition.HELD_BY_ANOTHER


def test_releases_that_could_not_be_sent_are_sent_when_the_server_is_back(breaker: Breaker) -> None:
    """Else a seat that was given back would stay locked for a quarter of an hour."""
    keys = [f"seat:KBP-BCN-0615:{row}A:lock" for row in range(1, 31)]
    for key in keys:
        breaker.guarded.acquire(key, "a")
    breaker.fail()
    for key in keys:
        assert breaker.guarded.release(key, "a") == (Release.UNKNOWN, None, Trouble.REFUSED)
    breaker.lock.down = False
    breaker.now_s += 5
    breaker.guarded.acquire(KEY, "b")
    breaker.guarded.acquire(KEY, "b")
    assert breaker.lock.owners == {KEY: "b"}


def test_what_was_kept_is_sent_before_the_first_question(breaker: Breaker) -> None:
    """Whoever asks first may ask for just that seat."""
    breaker.guarded.acquire(KEY, "a")
    breaker.fail()
    breaker.guarded.release(KEY, "a")
    breaker.lock.down = False
    breaker.now_s += 5
    assert breaker.guarded.acquire(KEY, "b").verdict is Acquisition.ACQUIRED


def test_a_release_that_was_kept_does_not_end_a_lock_that_is_wanted_again(breaker: Breaker) -> None:
    """The same booking came back for its seat before the server did."""
    breaker.guarded.acquire(KEY, "a")
    breaker.fail()
    breaker.guarded.release(KEY, "a")
    breaker.guarded.acquire(KEY, "a")
    breaker.lock.down = False
    breaker.now_s += 5
    breaker.guarded.extend("another", "x")
    assert breaker.lock.owners == {KEY: "a"}


def test_kept_releases_are_bounded_and_the_oldest_goes(breaker: Breaker) -> None:
    """It ends by its own time soonest."""
    for number in range(300):
        breaker.guarded.acquire(f"key-{number}", "a")
    breaker.fail()
    for number in range(300):
        breaker.guarded.release(f"key-{number}", "a")
    breaker.lock.down = False
    breaker.now_s += 5
    for _ in range(300 // 16 + 1):
        breaker.guarded.extend("another", "x")
    assert list(breaker.lock.owners) == [f"key-{number}" for number in range(300 - 256)]


def test_fallbacks_are_counted_each_and_logged_once_a_window(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """A metric for the alarm, as a whole and by trouble; a line for the reader."""
    times_s = iter([0.0, 1.0, WINDOW_S - 1, WINDOW_S, WINDOW_S + 1])
    report = FallbackReports(lambda: next(times_s))
    for _ in range(5):
        report(Trouble.TIMED_OUT)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [line["LockFallback"] for line in counted] == [[1.0]] * 5
    assert counted[0]["trouble"] == "TIMED_OUT"
    [metric] = counted[0]["_aws"]["CloudWatchMetrics"]
    assert metric["Dimensions"] == [[], ["trouble"]]
