"""What dies, and when: processes of this stack's functions, and its Valkey. The seed says which, and at what times."""

import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leleka.stack.process import ProcessId

_STARTS_S = 20.0
_BETWEEN_S = (1.0, 4.0)
_DOWN_S = 1.0
_STOPPED_S = (0.3, 3.0)
_KINDS = ("function", "function", "function", "valkey killed", "valkey stopped")


class Valkey:
    """A Valkey outside of the stack, which comes back when it is killed."""

    def __init__(self, port: int, log_dir: Path) -> None:
        command = [sys.executable, "-m", "tests.soak.valkey_keeper", str(port), str(log_dir), str(_DOWN_S)]
        self._keeper = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._starts: queue.Queue[int] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.process = self._next()

    def kill(self) -> None:
        """Everything in it is lost; returns when the next one answers."""
        self.process.signal(signal.SIGKILL)
        self.process = self._next()

    def stop_for(self, seconds: float) -> None:
        """It stands still for a while, and forgets nothing."""
        self.process.signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self.process.signal(signal.SIGCONT)

    def close(self) -> None:
        """Ends the server and its keeper."""
        assert self._keeper.stdin
        self._keeper.stdin.close()
        try:
            self._keeper.wait(_STARTS_S)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()

    def _read(self) -> None:
        for line in self._keeper.stdout or ():
            self._starts.put(int(line))

    def _next(self) -> ProcessId:
        process = ProcessId.of(self._starts.get(timeout=_STARTS_S))
        assert process, "Valkey ended as soon as it was up"
        return process


@contextmanager
def running_valkey(port: int, log_dir: Path) -> Iterator[Valkey]:
    """For the length of a block; it also ends with this process."""
    valkey = Valkey(port, log_dir)
    try:
        yield valkey
    finally:
        valkey.close()


def functions_of(localstack_pid: int) -> list[ProcessId]:
    """The processes in which this LocalStack runs functions: children of its own, and of no other."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and _is_function(folder, localstack_pid):
            process = ProcessId.of(int(folder.name))
            found += [process] if process else []
    return sorted(found, key=lambda process: process.pid)


def inject(
    seed: int, localstack_pid: int, valkey: Valkey, until_s: float, note: threading.Event | None = None
) -> Iterator[str]:
    """Faults, one after another until the time (of ``time.monotonic``) is over; yields the name of each that was done.
    ``note``, when set, ends it early."""
    rng = random.Random(seed)
    quiet = note or threading.Event()
    while not quiet.wait(rng.uniform(*_BETWEEN_S)) and time.monotonic() < until_s:
        kind, victim, stopped_s = rng.choice(_KINDS), rng.random(), rng.uniform(*_STOPPED_S)
        if kind == "valkey killed":
            valkey.kill()
        elif kind == "valkey stopped":
            valkey.stop_for(stopped_s)
        elif functions := functions_of(localstack_pid):
            functions[int(victim * len(functions))].signal(signal.SIGKILL)
        else:
            continue
        yield kind


def _is_function(folder: Path, localstack_pid: int) -> bool:
    try:
        parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        return parent == localstack_pid and b"process_plugins/bootstrap.py" in (folder / "cmdline").read_bytes()
    except OSError:
        return False  # it ended while it was looked at
