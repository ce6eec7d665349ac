"""Keeps locks alive for work inside one process. A saga that goes through several functions has its watchdog in the
state machine instead, since no process lives as long as it does."""

import sys
import threading
import time
from collections.abc import Callable
from enum import Enum

from chalicelib.locking.verdicts import Extension, SeatLock

_RETRIES_A_THIRD = 10


class Loss(Enum):
    """Why a lock is no longer kept."""

    EXPIRED = "expired"
    OWNED_BY_ANOTHER = "owned by another"
    UNREACHABLE = "its time ran out without an answer"
    LIMIT_REACHED = "it was kept as long as allowed"


class Watch:
    """One lock that is kept. Made by ``Watchdog.keep``."""

    def __init__(
        self,
        lock: SeatLock,
        key: str,
        lock_id: str,
        valid_until_s: float,
        limit_at_s: float,
        on_lost: Callable[[Loss], None],
        on_end: Callable[["Watch"], None],
    ) -> None:
        self.lock = lock
        self.key = key
        self.lock_id = lock_id
        self.interval_s = lock.ttl_ms / 3000
        self.valid_until_s = valid_until_s
        self.limit_at_s = limit_at_s
        self.due_s = min(time.monotonic() + self.interval_s, valid_until_s, limit_at_s)
        self.loss: Loss | None = None
        self._on_lost = on_lost
        self._on_end = on_end
        self._ended = False
        self._mutex = threading.Lock()

    def end(self) -> None:
        """Stops keeping the lock. When this returns, no renewal is under way and none will be sent."""
        with self._mutex:
            self._ended = True
        self._on_end(self)

    def renew(self, *, ask: bool = True) -> bool:
        """Renews the lock, and tells the holder if it is lost; false if the server gave no answer. Without ``ask`` the
        server is known to be silent now."""
        with self._mutex:
            if self._ended:
                return True
            now_s = time.monotonic()
            if now_s >= self.limit_at_s:
                loss: Loss | None = Loss.LIMIT_REACHED
                answered = True
            else:
                loss, answered = self._renewed(now_s) if ask else (self._unanswered(), False)
            self.loss = loss
            self._ended = loss is not None
        if loss:
            self._on_end(self)
            self._on_lost(loss)
        return answered

    def postpone(self, now_s: float) -> bool:
        """Tries later, the server being silent now; false if there is no later."""
        self.due_s = min(now_s + self.interval_s / _RETRIES_A_THIRD, self.limit_at_s)
        return self.due_s < self.valid_until_s

    def _renewed(self, now_s: float) -> tuple[Loss | None, bool]:
        try:
            answer = self.lock.extend(self.key, self.lock_id)
        except Exception:  # noqa: BLE001 - whatever went wrong, the holder hears of it in time
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
            return self._unanswered(), False
        if answer.verdict is Extension.EXTENDED and answer.valid_until_s is not None:
            self.valid_until_s = answer.valid_until_s
            self.due_s = min(now_s + self.interval_s, answer.valid_until_s, self.limit_at_s)
            return None, True
        if answer.verdict is Extension.UNKNOWN:
            return self._unanswered(), False
        return Loss.EXPIRED if answer.verdict is Extension.EXPIRED else Loss.OWNED_BY_ANOTHER, True

    def _unanswered(self) -> Loss | None:
        # Not lost yet; but a lock that nobody could renew in time may be another's by now.
        return None if self.postpone(time.monotonic()) else Loss.UNREACHABLE


class Watchdog:
    """One thread that renews any number of locks, each when a third of its lifetime has passed."""

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._changed = threading.Condition()
        self._sleeping_until_s = 0.0
        self._idle_s = 1.0
        self._thread: threading.Thread | None = None
        self._closed = False

    def keep(
        self,
        lock: SeatLock,
        key: str,
        lock_id: str,
        *,
        valid_until_s: float,
        limit_s: float,
        on_lost: Callable[[Loss], None],
    ) -> Watch:
        """Renews the lock until the watch is ended.

        Args:
            lock: where the lock was acquired.
            key: its key.
            lock_id: its owner.
            valid_until_s: what acquiring it answered.
            limit_s: after so many seconds it is not renewed any more.
            on_lost: called once, from the watchdog's thread, as soon as it is known that the lock is lost or the limit
                is reached. It must return quickly.
        """
        watch = Watch(lock, key, lock_id, valid_until_s, time.monotonic() + limit_s, on_lost, self._forget)
        with self._changed:
            if self._closed:
                raise RuntimeError("the watchdog is closed")
            self._watches.add(watch)
            if watch.due_s < self._sleeping_until_s:
                self._changed.notify()
            elif self._thread is None:
                thread = threading.Thread(target=self._run, name="lock-watchdog", daemon=True)
                thread.start()
                self._thread = thread
        return watch

    def close(self) -> None:
        """Ends the thread; nothing is kept any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread and self._thread is not threading.current_thread():  # a callback may close it
            self._thread.join()

    def _forget(self, watch: Watch) -> None:
        with self._changed:
            self._watches.discard(watch)

    def _run(self) -> None:
        while due := self._next_round():
            silent: set[int] = set()
            for watch in due:
                self._look_after(watch, silent)

    def _next_round(self) -> list[Watch]:
        """Sleeps until a lock is due, and returns those that are; none when the watchdog is closed."""
        with self._changed:
            while not self._closed:
                now_s = time.monotonic()
                due = [watch for watch in self._watches if watch.due_s <= now_s]
                if due:
                    return sorted(due, key=lambda watch: watch.valid_until_s)
                self._sleeping_until_s = min((watch.due_s for watch in self._watches), default=now_s + self._idle_s)
                self._changed.wait(self._sleeping_until_s - now_s)
            return []

    def _look_after(self, watch: Watch, silent: set[int]) -> None:
        self._idle_s = watch.interval_s
        # One time-out a round for a silent server, so that the others' locks don't run out meanwhile.
        try:
            if not watch.renew(ask=id(watch.lock) not in silent):
                silent.add(id(watch.lock))
        except Exception:  # noqa: BLE001 - a holder's mistake must not end the others' locks; it is reported, and the watch is over
            watch.end()
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
