"""What to do while the lock's servers are down: go on without them, and not wait for them each time."""

import threading
import time
from collections.abc import Callable

from chalicelib.locking.verdicts import Acquisition, Answer, Extension, Inspection, Release, SeatLock, Trouble

_KEPT_MAX = 256
_SENT_AT_ONCE = 16


class Fallback:
    """A lock with a circuit breaker in front.

    After several unknown outcomes in a row nothing is asked for a while, and every outcome is unknown at once. Then one
    call is let through; if it is answered, so are all that follow. Releases that could not be sent are kept, and sent
    when the server answers again; they compare the owner, so it does no harm that they come late.

    Args:
        lock: the lock behind it.
        on_fallback: told each time that somebody goes on without the lock, and why.
        failures: after so many unknown outcomes in a row nothing is asked.
        open_s: for so long.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        lock: SeatLock,
        on_fallback: Callable[[Trouble], None],
        *,
        failures: int = 3,
        open_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = lock
        self._on_fallback = on_fallback
        self._failures = failures
        self._open_s = open_s
        self._clock = clock
        self._failed = 0
        self._trouble: Trouble | None = None
        self._open_until_s = 0.0
        self._kept: dict[tuple[str, str], None] = {}
        self._mutex = threading.Lock()

    @property
    def ttl_ms(self) -> int:
        """How long a lock lives without being extended."""
        return self._lock.ttl_ms

    def acquire(self, key: str, lock_id: str) -> Answer[Acquisition]:
        """Takes the lock, or says at once that nothing is known."""
        with self._mutex:
            self._kept.pop((key, lock_id), None)  # it is wanted again
        return self._guarded(lambda: self._lock.acquire(key, lock_id), Acquisition.UNKNOWN)

    def extend(self, key: str, lock_id: str) -> Answer[Extension]:
        """Gives the full lifetime again, or says at once that nothing is known."""
        return self._guarded(lambda: self._lock.extend(key, lock_id), Extension.UNKNOWN)

    def release(self, key: str, lock_id: str) -> Answer[Release]:
        """Ends the lock, now or when the server answers again."""
        answer = self._guarded(lambda: self._lock.release(key, lock_id), Release.UNKNOWN)
        if answer.trouble:
            self._keep(key, lock_id)
        return answer

    def inspect(self, key: str) -> Inspection:
        """Who holds the lock.

        Raises:
            LockUnreachable: the server gave no answer.
        """
        return self._lock.inspect(key)

    def close(self) -> None:
        """Ends the connections."""
        self._lock.close()

    def _guarded[Verdict](self, call: Callable[[], Answer[Verdict]], unknown: Verdict) -> Answer[Verdict]:
        trouble = self._known_trouble()
        if trouble:
            self._on_fallback(trouble)
            return Answer(unknown, trouble=trouble)
        # What was kept goes first: this call may be for a seat that one of ours still locks.
        trouble = self._send_kept()
        answer = Answer(unknown, trouble=trouble) if trouble else call()
        if answer.trouble:
            self._note_failure(answer.trouble)
            self._on_fallback(answer.trouble)
        else:
            self._failed = 0
        return answer

    def _known_trouble(self) -> Trouble | None:
        """The trouble while nothing is asked, else None. Who finds the time over is the one who asks."""
        if self._failed < self._failures:
            return None
        with self._mutex:
            now_s = self._clock()
            if now_s < self._open_until_s:
                return self._trouble
            self._open_until_s = now_s + self._open_s
            return None

    def _note_failure(self, trouble: Trouble) -> None:
        with self._mutex:
            self._failed += 1
            self._trouble = trouble
            self._open_until_s = self._clock() + self._open_s

    def _send_kept(self) -> Trouble | None:
        """Sends some of the releases that were kept; the trouble if the server still doesn't answer."""
        if not self._kept:
            return None
        with self._mutex:
            due = list(self._kept)[:_SENT_AT_ONCE]
            for one in due:
                del self._kept[one]
        for place, (key, lock_id) in enumerate(due):
            trouble = self._lock.release(key, lock_id).trouble
            if trouble:
                for late_key, late_id in due[place:]:
                    self._keep(late_key, late_id)
                return trouble
        return None

    def _keep(self, key: str, lock_id: str) -> None:
        with self._mutex:
            if len(self._kept) >= _KEPT_MAX:
                del self._kept[next(iter(self._kept))]  # the oldest ends by its own time soonest
            self._kept[key, lock_id] = None
