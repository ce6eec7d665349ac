"""Pairs while one of five nodes is stopped, each node once. A process of its own, since a lock may never come back."""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence

from leleka.stack.servers import valkey_answers
from tests.benchmarks.locks.competitor import BenchmarkError, Competitor
from tests.benchmarks.locks.entries import entry_named
from tests.benchmarks.locks.measures import Frozen
from tests.benchmarks.locks.peers import FAILURES

TIMEOUT_S = 0.05
_WARM_UP = 10
_PAIRS = 40


def main() -> None:
    """The competitor's name, a run's id, then port:pid of each node; prints the worst pair."""
    name, run_id, *nodes = sys.argv[1:]
    pids = {int(port): int(pid) for port, pid in (node.split(":") for node in nodes)}
    took_ms: list[float] = []
    failed = 0
    for port, pid in pids.items():
        lock = entry_named(name).make(list(pids), TIMEOUT_S)
        lock.pairs(*_names(f"{run_id}:{port}:warm", _WARM_UP))
        with _stopped(pid, port):
            for name_of, token in zip(*_names(f"{run_id}:{port}", _PAIRS), strict=True):
                pair_ms, ended = _pair(lock, name_of, token)
                took_ms.append(pair_ms)
                failed += not ended
        lock.settle()
        lock.close()
    print(json.dumps(Frozen(round(max(took_ms), 2), failed, len(took_ms))))  # noqa: T201 - the parent reads it


def _pair(lock: Competitor, name: str, token: str) -> tuple[float, bool]:
    start_s = time.perf_counter()
    try:
        lock.pairs([name], [token])
        ended = True
    except (BenchmarkError, *FAILURES):
        ended = False
    return (time.perf_counter() - start_s) * 1000, ended


@contextlib.contextmanager
def _stopped(pid: int, port: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
        while not valkey_answers(port):  # its probe waits a second at most; the parent bounds the whole
            pass


def _names(prefix: str, count: int) -> tuple[Sequence[str], Sequence[str]]:
    return [f"seat:{prefix}:{number}:lock" for number in range(count)], [
        f"{prefix}-{number}" for number in range(count)
    ]


if __name__ == "__main__":
    main()
