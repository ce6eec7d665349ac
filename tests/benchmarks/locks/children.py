"""Parts of the run that need a process of their own, and their bound."""

import json
import os
import signal
import subprocess
import sys
import uuid
from typing import Any

from tests.benchmarks.locks.competitor import BenchmarkError, Entry
from tests.benchmarks.locks.measures import Frozen, Storms
from tests.benchmarks.locks.nodes import Nodes

FROZEN_BOUND_S = 20.0
_STORMS_BOUND_S = 60.0


def storms(entry: Entry, nodes: Nodes) -> Storms:
    """Counts the storms of one lock.

    Raises:
        BenchmarkError: it failed, or did not end within a minute.
    """
    counted = _run("storms", entry.name, [str(port) for port in nodes.ports], _STORMS_BOUND_S)
    if counted is None:
        raise BenchmarkError(f"the storms of {entry.name} did not end within {_STORMS_BOUND_S:.0f} s")
    return Storms(*counted)


def frozen(entry: Entry, nodes: Nodes) -> Frozen:
    """Times the pairs of one lock while a node is stopped, and lets all nodes go on.

    Raises:
        BenchmarkError: it failed.
    """
    pids = dict(zip(nodes.ports, nodes.pids, strict=True))
    try:
        timed = _run("frozen", entry.name, [f"{port}:{pid}" for port, pid in pids.items()], FROZEN_BOUND_S)
    finally:
        for pid in nodes.pids:
            os.kill(pid, signal.SIGCONT)
    return Frozen(None, 0, 0) if timed is None else Frozen(*timed)


def _run(module: str, name: str, nodes: list[str], bound_s: float) -> Any:
    """What the module printed; None if it had to be killed."""
    command = [sys.executable, "-m", f"tests.benchmarks.locks.{module}", name, uuid.uuid4().hex[:8], *nodes]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603 - our own
    try:
        output, _ = child.communicate(timeout=bound_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(child)
    if child.returncode:
        raise BenchmarkError(f"{module} of {name} ended with {child.returncode}; its error is above")
    return json.loads(output.splitlines()[-1])


def _end(child: "subprocess.Popen[str]") -> None:
    """Kills the child and the clients that it forked."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
