"""Shares a bounded number of processes among invocations, first come, first served."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from process_plugins.settings import Settings
from process_plugins.worker import Worker


class PoolBusyError(Exception):
    """No process became free in time."""


class PoolClosedError(Exception):
    """The function version was replaced or deleted."""


@dataclass(eq=False)
class Pool:
    """The processes of one version of one function."""

    name: str
    code_dir: Path
    idle: list[Worker] = field(default_factory=list)
    size: int = 0
    closed: bool = False


@dataclass(eq=False)
class Lease:
    """The right to use a worker: an idle one, or (``worker`` is None) one that the holder starts now."""

    pool: Pool
    log_stream: str
    granted: threading.Event = field(default_factory=threading.Event)
    worker: Worker | None = None
    starting: bool = False
    reusable: bool = False


class Dispatcher:
    """Hands out leases. One lock guards all pools; it is never held while a process starts or ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._waiting: deque[Lease] = deque()
        self._pools: set[Pool] = set()
        self._starting = 0
        self._reaper: threading.Thread | None = None

    def open(self, name: str, code_dir: Path) -> Pool:
        """A new, empty pool."""
        pool = Pool(name, code_dir)
        with self._lock:
            self._pools.add(pool)
            if self._reaper is None:
                self._reaper = threading.Thread(target=self._reap_forever, name="process-executor-reaper", daemon=True)
                self._reaper.start()
        return pool

    def close(self, pool: Pool) -> None:
        """Ends a pool's idle processes now, and each busy one after its invocation, whose time is bounded."""
        with self._lock:
            pool.closed = True
            self._pools.discard(pool)
            doomed, pool.idle = pool.idle, []
            pool.size -= len(doomed)
            doomed += self._grant()
        _close(doomed)

    @contextmanager
    def lease(self, pool: Pool, log_stream: str) -> Iterator[Lease]:
        """Waits for a worker. The caller sets ``worker`` if it is None, calls :meth:`started`, and says in
        ``reusable`` whether the worker may be used again; otherwise it ends.

        Raises:
            PoolBusyError: none became free within the queue's time-out.
            PoolClosedError: the pool was closed.
        """
        lease = Lease(pool, log_stream)
        with self._lock:
            self._waiting.append(lease)
            doomed = self._grant()
        _close(doomed)
        if not lease.granted.wait(self._settings.queue_timeout_s):
            with self._lock:
                if not lease.granted.is_set():
                    self._waiting.remove(lease)
                    raise PoolBusyError(f"no process of {pool.name} became free in {self._settings.queue_timeout_s} s")
        if lease.worker is None and not lease.starting:
            raise PoolClosedError(f"{pool.name} was replaced or deleted")
        try:
            yield lease
        finally:
            self._return(lease)

    def started(self, lease: Lease) -> None:
        """The lease's new process is up: another one may start."""
        with self._lock:
            lease.starting = False
            self._starting -= 1
            doomed = self._grant()
        _close(doomed)

    def _return(self, lease: Lease) -> None:
        worker, pool = lease.worker, lease.pool
        keep = worker is not None and lease.reusable and not pool.closed
        with self._lock:
            if lease.starting:
                self._starting -= 1
            if worker is not None and keep and not pool.closed:
                worker.idle_since_s = time.monotonic()
                pool.idle.append(worker)
                doomed = []
            else:
                pool.size -= 1
                doomed = [worker] if worker is not None else []
            doomed += self._grant()
        _close(doomed)

    def _grant(self) -> list[Worker]:
        """Serves whom it can among the waiting, oldest first. Needs the lock; returns workers to end without it."""
        doomed: list[Worker] = []
        still_waiting: deque[Lease] = deque()
        for lease in self._waiting:
            pool = lease.pool
            if pool.closed:
                pass
            elif pool.idle:
                lease.worker = _choose(pool.idle, lease.log_stream)
            elif self._may_start(pool, doomed):
                lease.starting = True
                pool.size += 1
                self._starting += 1
            else:
                still_waiting.append(lease)
                continue
            lease.granted.set()
        self._waiting = still_waiting
        return doomed

    def _may_start(self, pool: Pool, doomed: list[Worker]) -> bool:
        limits = self._settings
        if pool.size >= limits.max_processes or self._starting >= limits.max_cold_starts:
            return False
        if sum(each.size for each in self._pools) < limits.max_total:
            return True
        idle = [(worker.idle_since_s, index, each) for each in self._pools for index, worker in enumerate(each.idle)]
        if not idle:
            return False
        _, index, owner = min(idle, key=lambda entry: entry[0])
        doomed.append(owner.idle.pop(index))
        owner.size -= 1
        return True

    def _reap_forever(self) -> None:
        while True:
            time.sleep(min(30.0, self._settings.idle_timeout_s / 2))
            self.reap()

    def reap(self) -> None:
        """Ends the processes that were idle for too long."""
        oldest_s = time.monotonic() - self._settings.idle_timeout_s
        doomed: list[Worker] = []
        with self._lock:
            for pool in self._pools:
                expired = [worker for worker in pool.idle if worker.idle_since_s < oldest_s]
                pool.idle = [worker for worker in pool.idle if worker.idle_since_s >= oldest_s]
                pool.size -= len(expired)
                doomed += expired
        _close(doomed)


def _choose(idle: list[Worker], log_stream: str) -> Worker:
    """The worker that logs to this stream already, else the one used last, so that the others can end."""
    index = next((index for index, worker in enumerate(idle) if worker.log_stream == log_stream), -1)
    return idle.pop(index)


def _close(workers: list[Worker]) -> None:
    for worker in workers:
        worker.close()
