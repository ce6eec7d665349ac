"""Leleka's lock, as the seat service calls it."""

from collections.abc import Sequence

from chalicelib.locking import Acquisition, Release, open_lock
from chalicelib.locking.watchdog import Loss, Watch, Watchdog
from tests.benchmarks.locks.competitor import TTL_S, BenchmarkError, Entry, Locker

SINGLE = "Leleka, 1 node"
WATCHED = "Leleka, 1 node, watchdog"
ALL_AT_ONCE = "Leleka Redlock, 5 nodes, all at once"
LEAD_FIRST = "Leleka Redlock, 5 nodes, lead first"
TIMEOUT_MS = 50
_LIMIT_S = 2700

type Held = tuple[str, str, float | None]


class LelekaLock(Locker):
    """One object for all locks. Its time-out is the same whether or not a node may be frozen."""

    lead_first = True

    def __init__(self, ports: Sequence[int], timeout_s: float | None) -> None:  # noqa: ARG002 - it always has one
        url = ",".join(f"redis://127.0.0.1:{port}" for port in ports)
        self.lock = open_lock(url, ttl_ms=TTL_S * 1000, timeout_ms=TIMEOUT_MS, lead_first=self.lead_first)

    def acquire(self, name: str, token: str) -> Held | None:
        """Taken, refused, or an error."""
        answer = self.lock.acquire(name, token)
        if answer.verdict is Acquisition.ACQUIRED:
            return name, token, answer.valid_until_s
        if answer.verdict is Acquisition.HELD_BY_ANOTHER:
            return None
        raise BenchmarkError(f"the acquire of {name}: {answer}")

    def release(self, held: Held) -> None:
        """Gives it back."""
        answer = self.lock.release(held[0], held[1])
        if answer.verdict is not Release.RELEASED:
            raise BenchmarkError(f"the release of {held[0]}: {answer}")

    def close(self) -> None:
        """Ends its connections."""
        self.lock.close()


class LelekaAllAtOnce(LelekaLock):
    """The same, with no node asked before the others."""

    lead_first = False


class WatchedLelekaLock(Locker):
    """The same, kept alive by the watchdog between acquire and release."""

    def __init__(self, ports: Sequence[int], timeout_s: float | None) -> None:
        self._plain = LelekaLock(ports, timeout_s)
        self._watchdog = Watchdog()

    def acquire(self, name: str, token: str) -> tuple[Held, Watch] | None:
        """Taken and watched, refused, or an error."""
        held = self._plain.acquire(name, token)
        if held is None:
            return None
        until_s = held[2]
        if until_s is None:
            raise BenchmarkError(f"{name} was acquired for no time")
        watch = self._watchdog.keep(
            self._plain.lock, name, token, valid_until_s=until_s, limit_s=_LIMIT_S, on_lost=_lost
        )
        return held, watch

    def release(self, held: tuple[Held, Watch]) -> None:
        """Ends the watch, then gives it back."""
        held[1].end()
        self._plain.release(held[0])

    def close(self) -> None:
        """Ends the watchdog and its connections."""
        self._watchdog.close()
        self._plain.close()


def _lost(loss: Loss) -> None:
    raise BenchmarkError(f"a lock that was watched for microseconds was lost: {loss}")


OURS = (
    Entry(SINGLE, 1, LelekaLock, "`acquire(…)`, `release(…)`", ours=True),
    Entry(
        WATCHED, 1, WatchedLelekaLock, "with `watchdog.keep(…)` and `watch.end()` between", ours=True, watches=SINGLE
    ),
    Entry(ALL_AT_ONCE, 5, LelekaAllAtOnce, "`lead_first=False`", ours=True),
    Entry(LEAD_FIRST, 5, LelekaLock, "`lead_first=True`", ours=True),
)
