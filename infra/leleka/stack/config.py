"""Where a local stack keeps its state and which ports it uses."""

import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from leleka.paths import PROJECT

_KINDS = ("processes", "docker")
_DOCKER_GATEWAY_PORT, _DOCKER_VALKEY_PORT = 4566, 6379  # as localstack/docker-compose.yml has them


class StackError(Exception):
    """The local stack could not do what was asked: one line that says what, and where the log is."""


@dataclass(frozen=True)
class StackConfig:
    """One local stack.

    Attributes:
        state_dir: its folder: what runs (stack.json), logs, LocalStack's files.
        gateway_port: LocalStack's port; None finds a free one.
        valkey_port: Valkey's port; None finds a free one.
        docker: whether it is the stack of localstack/docker-compose.yml; its ports are given then.
        call_trail: where LocalStack records which AWS calls functions and state machines make; None is nowhere.
    """

    state_dir: Path
    gateway_port: int | None = None
    valkey_port: int | None = None
    docker: bool = False
    call_trail: Path | None = None

    @staticmethod
    def from_environment() -> "StackConfig":
        """``LELEKA_STATE_DIR``, ``LELEKA_GATEWAY_PORT`` and ``LELEKA_VALKEY_PORT``; by default ``.leleka`` in this
        checkout and free ports. ``LELEKA_STACK=docker`` is the stack in Docker, by default on ports 4566 and 6379.

        Raises:
            StackError: a port is no port, or there is no such kind of stack.
        """
        state_dir = Path(os.environ.get("LELEKA_STATE_DIR") or PROJECT / ".leleka" / "stack").resolve()
        gateway_port, valkey_port = _port("LELEKA_GATEWAY_PORT"), _port("LELEKA_VALKEY_PORT")
        kind = os.environ.get("LELEKA_STACK") or _KINDS[0]
        if kind not in _KINDS:
            raise StackError(f"LELEKA_STACK is {kind!r}; it must be one of: {', '.join(_KINDS)}")
        if kind == "docker":
            gateway_port, valkey_port = gateway_port or _DOCKER_GATEWAY_PORT, valkey_port or _DOCKER_VALKEY_PORT
        return StackConfig(state_dir, gateway_port, valkey_port, docker=kind == "docker")

    @property
    def state_file(self) -> Path:
        """What runs now."""
        return self.state_dir / "stack.json"

    @property
    def error_file(self) -> Path:
        """Why the last start failed, or why the stack ended by itself."""
        return self.state_dir / "error.txt"

    @property
    def log_dir(self) -> Path:
        """The servers' logs."""
        return self.state_dir / "logs"

    def remove_data(self) -> None:
        """Removes what LocalStack kept on disk, functions' code included. Logs stay."""
        for folder in ("files", "tmp"):
            shutil.rmtree(self.state_dir / folder, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def require_free(port: int, server: str) -> None:
    """Passes if nobody listens on the port.

    Raises:
        StackError: somebody does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StackError(
                f"port {port}, meant for {server}, is taken by another program; nothing was started"
            ) from error


def _port(name: str) -> int | None:
    text = os.environ.get(name)
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StackError(f"{name} is {text!r}; it must be a port number")
    return int(text)
