"""A holder of seats in a process of its own: the seat service's own logic, told what to do on stdin.

One JSON object a line, both ways; ``do`` names a method of ``Holder``. It ends with its stdin, so with the test that
started it. What the service logs goes to stderr.
"""

import ctypes
import json
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO

import boto3
import msgspec
from botocore.config import Config

from chalicelib.locking import Answer, SeatLock, Trouble, open_lock, seat_key
from chalicelib.locking.fallback import Fallback
from chalicelib.locking.watchdog import Loss, Watch, Watchdog
from chalicelib.seat import logic
from chalicelib.seat.models import (
    ConfirmSeatCommand,
    ReleaseSeatCommand,
    RenewSeatLockCommand,
    ReserveSeatCommand,
    SeatConfig,
    SeatHold,
)
from chalicelib.seat.store import SeatStore
from chalicelib.shared import clock
from chalicelib.shared.errors import LelekaError, SeatTaken

type Json = dict[str, Any]

FLIGHT = "KBP-BCN-0615"
_PR_SET_PDEATHSIG = 1


class Place(msgspec.Struct, frozen=True):
    """Where the tables are."""

    endpoint_url: str
    region: str
    seats_table: str
    ledger_table: str


class _PausingStore(SeatStore):
    """Calls ``pause`` before it writes a hold."""

    pause: Callable[[], None] | None = None

    def hold(self, **hold: Any) -> SeatHold:
        if self.pause:
            self.pause()
        return super().hold(**hold)


class Holder:
    """What a test can tell this process to do."""

    def __init__(self, place: Place, told: TextIO, says: Callable[[Json], None]) -> None:
        limits = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1}, max_pool_connections=16)
        client = boto3.client(
            "dynamodb",
            endpoint_url=place.endpoint_url,
            region_name=place.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - LocalStack takes any
            config=limits,
        )
        self._store = _PausingStore(client, place.seats_table, place.ledger_table)
        self._told, self._says = told, says
        self._lock: SeatLock = open_lock("none:", ttl_ms=1000)
        self._hold_ttl_s = 60
        self._fallbacks: list[str] = []
        self._watchdog = Watchdog()
        self._watch: Watch | None = None

    def open(
        self,
        url: str,
        ttl_ms: int,
        timeout_ms: int = 300,
        hold_ttl_s: int = 60,
        lead_first: bool = True,
        open_s: float | None = None,
    ) -> None:
        """The lock of all that follows; with ``open_s`` behind a circuit breaker that stays open for so long. The clock
        is right again, and nothing is kept."""
        time.time = _real_time
        if self._watch:
            self._watch.end()
        self._lock.close()
        self._fallbacks.clear()
        self._hold_ttl_s = hold_ttl_s
        self._lock = open_lock(url, ttl_ms=ttl_ms, timeout_ms=timeout_ms, lead_first=lead_first)
        if open_s is not None:
            self._lock = Fallback(self._lock, self._fell_back, open_s=open_s)

    def fallbacks(self) -> list[str]:
        """The troubles of the calls that went without the lock."""
        return self._fallbacks

    def acquire(self, seat: str, lock_id: str) -> Json:
        """The lock alone."""
        return _plain(self._lock.acquire(seat_key(FLIGHT, seat), lock_id))

    def extend(self, seat: str, lock_id: str) -> Json:
        """The lock alone."""
        return _plain(self._lock.extend(seat_key(FLIGHT, seat), lock_id))

    def release(self, seat: str, lock_id: str) -> Json:
        """The lock alone."""
        return _plain(self._lock.release(seat_key(FLIGHT, seat), lock_id))

    def reserve(self, seat: str, booking: str, attempt: int = 0, pause: bool = False) -> int:
        """Lock and hold; the fencing number. With ``pause`` it says so before it writes, and waits for a line."""
        command = ReserveSeatCommand(booking, lock_of(booking), FLIGHT, seat, attempt)
        self._store.pause = self._pause if pause else None
        return logic.reserve_seat(command, self._store, self._lock, clock.system_clock, self._hold_ttl_s).fencing_number

    def renew(self, seat: str, booking: str, fencing_number: int) -> int:
        """Lock and hold together."""
        config = SeatConfig("", "", "", hold_ttl_s=self._hold_ttl_s)
        command = RenewSeatLockCommand(booking, lock_of(booking), FLIGHT, seat, fencing_number)
        return logic.renew_seat_lock(command, self._store, self._lock, clock.system_clock, config)

    def confirm(self, seat: str, booking: str, fencing_number: int) -> None:
        """Sells the seat."""
        command = ConfirmSeatCommand(booking, lock_of(booking), FLIGHT, seat, fencing_number)
        logic.confirm_seat(command, self._store, self._lock, clock.system_clock)

    def give_back(self, seat: str, booking: str) -> bool:
        """The compensation."""
        command = ReleaseSeatCommand(booking, lock_of(booking), FLIGHT, seat)
        return logic.release_seat(command, self._store, self._lock)

    def keep(self, seat: str, lock_id: str) -> Json:
        """Acquires, and leaves the lock to the watchdog; a loss is told as the event ``lost``."""
        key = seat_key(FLIGHT, seat)
        answer = self._lock.acquire(key, lock_id)
        if answer.valid_until_s is not None:
            self._watch = self._watchdog.keep(
                self._lock, key, lock_id, valid_until_s=answer.valid_until_s, limit_s=600, on_lost=self._lost
            )
        return _plain(answer)

    def kept(self) -> str | None:
        """What the watchdog says of the lock now: None, or why it is lost."""
        assert self._watch
        loss = self._watch.loss
        return loss.name if loss else None

    def shift_clock(self, by_s: float) -> None:
        """This process's wall clock jumps."""
        real = _real_time
        time.time = lambda: real() + by_s

    def storm(self, url: str, clients: Sequence[str], seats: Sequence[str], seed: int, ttl_ms: int) -> Json:
        """Each client, with a lock of its own, tries for each seat; who won what. It says ``ready`` and waits for a
        line before it begins."""
        order = random.Random(seed).sample(seats, len(seats))
        locks = [open_lock(url, ttl_ms=ttl_ms, timeout_ms=5000) for _ in clients]
        self._store.pause = None
        with ThreadPoolExecutor(len(clients)) as pool:
            start = threading.Event()
            running = [pool.submit(self._try_for, order, *each, start) for each in zip(clients, locks, strict=True)]
            self._says({"event": "ready"})
            self._told.readline()
            start.set()
            won = [win for each in running for win in each.result()]
        for lock in locks:
            lock.close()
        return {"won": won}

    def _try_for(self, seats: Sequence[str], client: str, lock: SeatLock, start: threading.Event) -> list[Any]:
        start.wait()
        won: list[Any] = []
        for seat in seats:
            booking = f"{client}-{seat}"
            command = ReserveSeatCommand(booking, lock_of(booking), FLIGHT, seat)
            try:
                hold = logic.reserve_seat(command, self._store, lock, clock.system_clock, self._hold_ttl_s)
            except SeatTaken:
                continue
            won.append((seat, booking, hold.fencing_number))
        return won

    def _pause(self) -> None:
        self._says({"event": "before the write"})
        self._told.readline()

    def _fell_back(self, trouble: Trouble) -> None:
        self._fallbacks.append(trouble.name)

    def _lost(self, loss: Loss) -> None:
        self._says({"event": "lost", "loss": loss.name})


def lock_of(booking: str) -> str:
    """The lock_id of a booking."""
    return f"lock-of-{booking}"


def _plain(answer: Answer[Any]) -> Json:
    left_s = None if answer.valid_until_s is None else answer.valid_until_s - time.monotonic()
    return {
        "verdict": answer.verdict.name,
        "trouble": answer.trouble and answer.trouble.name,
        "valid_for_ms": None if left_s is None else round(left_s * 1000),
    }


_real_time = time.time


def main() -> None:
    """Does what it is told, a line at a time, until stdin ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # frozen, it would not see that stdin has ended
    lines = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # the service's log lines
    one_at_a_time = threading.Lock()

    def say(line: Json) -> None:
        with one_at_a_time:
            print(json.dumps(line), file=lines, flush=True)

    holder = Holder(msgspec.json.decode(sys.argv[1], type=Place), sys.stdin, say)
    say({"event": "up"})
    while line := sys.stdin.readline():
        told = json.loads(line)
        try:
            say({"answer": getattr(holder, told.pop("do"))(**told)})
        except LelekaError as error:
            say({"refused": type(error).__name__})
        except Exception:  # noqa: BLE001 - the test fails with it
            say({"failed": traceback.format_exc()})
    os._exit(0)  # threads of a storm that was cut short don't keep the process


if __name__ == "__main__":
    main()
