"""One real Valkey server for a test, on the loopback interface, in memory, dead with the test process."""

import contextlib
import ctypes
import functools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import redis

from leleka.stack.config import free_ports
from leleka.stack.servers import last_line, valkey_answers, valkey_binary

START_TIMEOUT_S = 20.0  # two busy cores; alone it takes a tenth of a second
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded before any fork
_NOT_ON_KEYS = {"acl", "auth", "client", "command", "config", "hello", "info", "ping", "readonly", "role"}


class Node:
    """One server process on 127.0.0.1, in memory only."""

    def __init__(self, port: int, command: Sequence[str], log: Path) -> None:
        self.port = port
        self.url = f"redis://127.0.0.1:{port}"
        self.client = redis.Redis(port=port, socket_timeout=5)
        self._command, self._log = command, log
        self._process = _spawn(command, log)

    @property
    def pid(self) -> int:
        """The process that serves now."""
        return self._process.pid

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on, and answers what came in meanwhile."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """It is gone, and so is what it held."""
        self._process.kill()
        self._process.wait(10)

    def restart(self) -> None:
        """It starts again on the same port, empty."""
        self.kill()
        self._process = _spawn(self._command, self._log)
        self.wait_until_up()

    def end(self) -> None:
        """Ends the process and our own connection, whatever state they are in."""
        self.kill()
        self.client.close()

    def cut_clients(self) -> None:
        """Every connection but ours is closed by the server."""
        self.ask("CLIENT", "KILL", "TYPE", "normal")

    def ask(self, *command: str | int) -> Any:
        """What it says to a command, as the plain client reads it."""
        return self.client.execute_command(*command)

    def wait_until_up(self) -> None:
        """Waits until it answers.

        Raises:
            RuntimeError: it ended instead; the message is its last word.
        """
        wait_until(self._answers, f"the server on port {self.port}")

    def calls(self) -> dict[str, int]:
        """How often each command on keys was called since ``forget_calls``; what sets up a connection doesn't count."""
        stats = cast("dict[str, dict[str, int]]", self.client.info("commandstats"))
        named = {name.removeprefix("cmdstat_"): values["calls"] for name, values in stats.items()}
        return {name: calls for name, calls in named.items() if name.partition("|")[0] not in _NOT_ON_KEYS}

    def forget_calls(self) -> None:
        """Counts from nought again."""
        self.client.config_resetstat()

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the server on port {self.port} ended: {last_line(self._log)}")
        return valkey_answers(self.port)


def start_node(log_dir: Path, *options: str, port: int | None = None) -> Node:
    """One server; ``options`` are its command line's."""
    with ended_on_failure() as nodes:
        nodes.append(new_node(log_dir, *options, port=port or free_ports(1)[0]))
    return nodes[0]


def start_nodes(log_dir: Path, count: int) -> list[Node]:
    """Servers that know nothing of each other."""
    with ended_on_failure() as nodes:
        nodes += [new_node(log_dir, port=port) for port in free_ports(count)]
    return nodes


def new_node(log_dir: Path, *options: str, port: int) -> Node:
    """A server that is starting."""
    folder = log_dir / f"valkey-{port}"
    folder.mkdir(parents=True, exist_ok=True)
    place = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder))
    return Node(port, (str(valkey_binary()), *place, "--save", "", "--appendonly", "no", *options), folder / "log")


@contextlib.contextmanager
def ended_on_failure() -> Iterator[list[Node]]:
    """A list of nodes that are up when the block ends, and ended if it fails."""
    nodes: list[Node] = []
    try:
        yield nodes
        for node in nodes:
            node.wait_until_up()
    except BaseException:
        end_all(nodes)
        raise


def end_all(nodes: Sequence[Node]) -> None:
    """Ends each."""
    for node in nodes:
        node.end()


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = START_TIMEOUT_S) -> None:
    """Asks until it is so.

    Raises:
        TimeoutError: it was not, in all that time.
    """
    until_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until_s:
            raise TimeoutError(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(0.01)


def _spawn(command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own command lines
            command,
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # The kernel sends the signal when the thread that starts the server ends, so a test starts its servers
            # from its main thread.
            preexec_fn=functools.partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - two system calls, no lock
        )


def die_with_parent(test_pid: int) -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != test_pid:  # it was gone before the kernel was told
        os._exit(1)
