"""Processor time of the local stack's processes, as Linux counts it."""

import os
from dataclasses import dataclass
from pathlib import Path

from leleka.stack import RunningStack

_TICKS_A_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class CpuSeconds:
    """Seconds of processor time. Functions are LocalStack's child processes, those that have ended included."""

    localstack: float
    functions: float
    valkey: float

    def __sub__(self, before: "CpuSeconds") -> "CpuSeconds":
        """What was used in between."""
        return CpuSeconds(
            self.localstack - before.localstack, self.functions - before.functions, self.valkey - before.valkey
        )

    def by_name(self) -> dict[str, float]:
        """The three, in this order."""
        return {"LocalStack": self.localstack, "functions": self.functions, "Valkey": self.valkey}


def cpu_seconds(running: RunningStack) -> CpuSeconds:
    """What the stack's processes have used since they started."""
    localstack, valkey = running.processes["localstack"].pid, running.processes["valkey"].pid
    own, ended = _times(localstack)
    alive = sum(sum(_times(child)) for child in _children(localstack))
    return CpuSeconds(own, ended + alive, sum(_times(valkey)))


def _times(pid: int) -> tuple[float, float]:
    """Of the process itself, and of its children that have ended; nothing of one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    user, system, children_user, children_system = (int(field) / _TICKS_A_S for field in fields[11:15])
    return user + system, children_user + children_system


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # the thread has ended
    return found
