"""The servers of a run, and what they count."""

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from leleka.stack.config import free_ports
from leleka.stack.servers import Server, start_valkey, valkey_answers, wait_until_up
from tests.benchmarks.locks.peers import client

NODES = 5
_START_S = 10.0


class Nodes:
    """Five servers; a lock on one node uses the first."""

    def __init__(self, ports: Sequence[int], servers: Sequence[Server]) -> None:
        self.ports = list(ports)
        self.pids = [server.process.pid for server in servers]
        self._clients = [client(port) for port in ports]

    def hold(self, names: Sequence[str], prefix: str, count: int) -> None:
        """Makes another the holder of each lock on the first ``count`` nodes."""
        owned = {f"{prefix}{name}": "another" for name in names}
        for each in self._clients[:count]:
            each.mset(owned)

    def empty(self) -> None:
        """Forgets all keys."""
        for each in self._clients:
            each.flushdb()

    def calls(self) -> list[dict[str, int]]:
        """What each node has run so far, by command."""
        return [_calls(each.info("commandstats")) for each in self._clients]

    def cpu_s(self) -> float:
        """How long this process and the servers have run on a core so far."""
        own = os.times()
        return own.user + own.system + sum(_cpu_s(pid) for pid in self.pids)

    def version(self) -> str:
        """The servers' version."""
        return str(self._clients[0].info("server")["valkey_version"])


@contextlib.contextmanager
def nodes(log_dir: Path) -> Iterator[Nodes]:
    """Five servers, on the cores of this process. They end with the block, and with this process if it is killed."""
    ports = free_ports(NODES)
    servers = [start_valkey(port, log_dir / str(port)) for port in ports]
    try:
        for server, port in zip(servers, ports, strict=True):
            wait_until_up(server, functools.partial(valkey_answers, port), _START_S)
        yield Nodes(ports, servers)
    finally:
        for server in servers:
            server.process.kill()
            server.process.wait()


@contextlib.contextmanager
def one_core() -> Iterator[int]:
    """Runs the block, and every process that it starts, on the last core that this process may use."""
    cores = os.sched_getaffinity(0)
    core = max(cores)
    os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, cores)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _calls(stats: dict[str, Any]) -> dict[str, int]:
    counted = {name.removeprefix("cmdstat_"): int(values["calls"]) for name, values in stats.items()}
    return {name: calls for name, calls in counted.items() if name != "info"}
