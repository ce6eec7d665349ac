"""Storms: many clients at once for one free seat over five nodes. A process of its own, since it forks its clients."""

import json
import multiprocessing
import sys
from collections.abc import Sequence
from multiprocessing.sharedctypes import RawArray
from multiprocessing.synchronize import Barrier
from typing import Any

from tests.benchmarks.locks.competitor import BenchmarkError, Entry, Locker
from tests.benchmarks.locks.entries import entry_named
from tests.benchmarks.locks.measures import count_storms
from tests.benchmarks.locks.peers import FAILURES

STORMS = 100
CLIENTS = 64
_TIMEOUT_S = 1.0
"""The peers' time-out: 64 clients on few cores may wait a while, and a storm is about who wins."""
_BARRIER_S = 30.0
_REFUSED, _WON, _UNKNOWN = 0, 1, 2


def main() -> None:
    """The competitor's name, a run's id, then the ports; prints the counts."""
    name, run_id, *ports = sys.argv[1:]
    verdicts = _storm(entry_named(name), run_id, [int(port) for port in ports])
    winners = [sum(1 for each in storm if each == _WON) for storm in verdicts]
    unknown = sum(1 for storm in verdicts for each in storm if each == _UNKNOWN)
    print(json.dumps(count_storms(winners, clients=CLIENTS, unknown=unknown)))  # noqa: T201 - the parent reads it


def _storm(entry: Entry, run_id: str, ports: Sequence[int]) -> list[list[int]]:
    context = multiprocessing.get_context("fork")  # this process has no threads, and 64 imports would take a minute
    barrier = context.Barrier(CLIENTS, timeout=_BARRIER_S)
    verdicts = RawArray("b", STORMS * CLIENTS)
    clients = [
        context.Process(target=_client, args=(entry, run_id, ports, barrier, verdicts, number), daemon=True)
        for number in range(CLIENTS)
    ]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    if any(each.exitcode for each in clients):
        raise BenchmarkError(f"a client of the storm ended with {[each.exitcode for each in clients]}")
    return [list(verdicts[storm * CLIENTS : (storm + 1) * CLIENTS]) for storm in range(STORMS)]


def _client(entry: Entry, run_id: str, ports: Sequence[int], barrier: Barrier, verdicts: "Any", number: int) -> None:
    lock = entry.make(ports, _TIMEOUT_S)
    if not isinstance(lock, Locker):
        raise TypeError(f"{entry.name} can't be in a storm")
    lock.pairs([f"seat:{run_id}:own:{number}:lock"], [f"{run_id}-{number}"])  # connects
    for storm in range(STORMS):
        barrier.wait()
        verdict, held = _try(lock, f"seat:{run_id}:{storm}:lock", f"{run_id}-{storm}-{number}")
        verdicts[storm * CLIENTS + number] = verdict
        barrier.wait()  # nobody gives back before all have asked
        if verdict == _WON:
            lock.release(held)


def _try(lock: Locker, name: str, token: str) -> tuple[int, Any]:
    try:
        held = lock.acquire(name, token)
    except (BenchmarkError, *FAILURES):
        return _UNKNOWN, None
    return (_REFUSED, None) if held is None else (_WON, held)


if __name__ == "__main__":
    main()
