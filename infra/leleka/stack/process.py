"""Processes told apart by their start, since the kernel gives a process id again."""

import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessId:
    """One process and no other: its id, and when it started in the kernel's own clock ticks."""

    pid: int
    started_ticks: int

    @staticmethod
    def of(pid: int) -> "ProcessId | None":
        """The process that has this id now, or None. A zombie counts as gone."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] == "Z" else ProcessId(pid, int(fields[19]))

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return ProcessId.of(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Signals it, if it still runs."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return  # it ended in between

    def wait_until_gone(self, timeout_s: float) -> bool:
        """Waits for a process that need not be a child; false if it still runs after the time."""
        try:
            handle = os.pidfd_open(self.pid)
        except OSError:
            return True
        try:
            if not self.alive():
                return True
            poller = select.poll()
            poller.register(handle, select.POLLIN)
            return bool(poller.poll(timeout_s * 1000))
        finally:
            os.close(handle)
