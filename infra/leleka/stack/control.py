"""Starting, finding and stopping a local stack from another process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leleka.stack import docker
from leleka.stack.config import StackConfig, StackError, free_ports, require_free
from leleka.stack.process import ProcessId
from leleka.stack.servers import localstack_answers, require_environments, valkey_answers

_START_S = 120.0
_STOP_S = 30.0
_POLL_S = 0.05


@dataclass(frozen=True)
class RunningStack:
    """A local stack that is up.

    Attributes:
        processes: its servers by name; none if it runs in Docker.
        lock_url_inside: Valkey's URL as functions reach it, if they reach it by another one than this machine does.
    """

    gateway_port: int
    valkey_port: int
    log_dir: Path
    processes: dict[str, ProcessId]
    lock_url_inside: str | None = None

    @property
    def gateway_url(self) -> str:
        """LocalStack's endpoint."""
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def valkey_url(self) -> str:
        """Valkey's URL on this machine."""
        return f"redis://127.0.0.1:{self.valkey_port}/0"

    @property
    def lock_url(self) -> str:
        """Valkey's URL for the functions."""
        return self.lock_url_inside or self.valkey_url

    def log_of(self, server: str) -> str:
        """Where the server's log is: a file, or the command that prints it."""
        return str(self.log_dir / f"{server}.log") if self.processes else docker.log_command(server)


def start(config: StackConfig) -> RunningStack:
    """Starts a stack that outlives this process, and waits until it is up; one that is up already is returned.

    Raises:
        StackError: it is not up, and nothing of it was left running.
    """
    running = find(config)
    if running:
        return running
    return _start_docker(config) if config.docker else _wait_until_up(config, _spawn(config, tied=False))


@contextmanager
def temporary_stack(config: StackConfig) -> Iterator[RunningStack]:
    """A stack for the length of a block; it also ends with this process, however that ends. One in Docker does not: it
    outlives a process that was killed.

    Raises:
        StackError: it is not up, or one is running in this folder, or in Docker, already.
    """
    if find(config):
        raise StackError(f"a stack is running in {'Docker' if config.docker else config.state_dir} already")
    if config.docker:
        running = _start_docker(config)
        try:
            yield running
        finally:
            docker.down()
        return
    supervisor = _spawn(config, tied=True)
    try:
        yield _wait_until_up(config, supervisor)
    finally:
        _end(supervisor)


def find(config: StackConfig) -> RunningStack | None:
    """The stack of this folder, or the one in Docker, if it is up, else None."""
    if config.docker:
        return _find_docker(config)
    state = _read(config)
    if state is None or not state["ready"]:
        return None
    processes = {name: ProcessId(**process) for name, process in state["processes"].items()}
    if not all(process.alive() for process in processes.values()):
        return None
    return RunningStack(state["gateway_port"], state["valkey_port"], config.log_dir, processes)


def stop(config: StackConfig) -> bool:
    """Ends the stack of this folder, or the one in Docker, and waits until all of it is gone; false if there was none.

    Raises:
        StackError: something would not end.
    """
    if config.docker:
        return docker.down()
    state = _read(config)
    if state is None:
        return False
    processes = [ProcessId(**process) for process in state["processes"].values()]
    supervisor = ProcessId(**state["processes"]["supervisor"])
    supervisor.signal(signal.SIGTERM)
    if not supervisor.wait_until_gone(_STOP_S):
        supervisor.signal(signal.SIGKILL)
    for process in processes:
        if not process.wait_until_gone(1.0):
            process.signal(signal.SIGKILL)
        if not process.wait_until_gone(5.0):
            raise StackError(f"process {process.pid} of the stack in {config.state_dir} does not end")
    # A supervisor that was killed left these behind.
    config.state_file.unlink(missing_ok=True)
    config.remove_data()
    return True


def _find_docker(config: StackConfig) -> RunningStack | None:
    gateway_port, valkey_port = config.gateway_port or 0, config.valkey_port or 0
    if not (localstack_answers(gateway_port) and valkey_answers(valkey_port)):
        return None
    return RunningStack(gateway_port, valkey_port, config.log_dir, {}, docker.lock_url())


def _start_docker(config: StackConfig) -> RunningStack:
    try:
        docker.up(config.gateway_port or 0, config.valkey_port or 0)
        running = _find_docker(config)
        if running is None:
            raise StackError(f"Docker says that the stack is up, but nothing answers on port {config.gateway_port}")
    except BaseException:  # Ctrl-C too
        docker.down()
        raise
    return running


def _spawn(config: StackConfig, *, tied: bool) -> "subprocess.Popen[bytes]":
    require_environments()
    found = free_ports(2)
    gateway_port, valkey_port = config.gateway_port or found[0], config.valkey_port or found[1]
    require_free(gateway_port, "LocalStack")
    require_free(valkey_port, "Valkey")
    config.log_dir.mkdir(parents=True, exist_ok=True)
    config.error_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "leleka.stack.supervisor", str(config.state_dir)]
    command += [str(gateway_port), str(valkey_port), *(["--tied"] if tied else [])]
    trail = {} if config.call_trail is None else {"CALL_TRAIL": str(config.call_trail)}
    with (config.log_dir / "supervisor.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own command line
            command,
            stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **trail, "PYTHONUNBUFFERED": "1"},
        )


def _wait_until_up(config: StackConfig, supervisor: "subprocess.Popen[bytes]") -> RunningStack:
    until_s = time.monotonic() + _START_S
    try:
        while True:
            running = find(config)
            if running and running.processes["supervisor"].pid == supervisor.pid:
                return running
            if supervisor.poll() is not None:
                raise StackError(_why(config))
            if time.monotonic() > until_s:
                raise StackError(f"the stack did not come up within {_START_S:.0f} s; its logs: {config.log_dir}")
            time.sleep(_POLL_S)
    except BaseException:  # Ctrl-C too: whatever ends the wait, nothing stays behind
        _end(supervisor)
        raise


def _end(supervisor: "subprocess.Popen[bytes]") -> None:
    supervisor.terminate()
    try:
        supervisor.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        supervisor.kill()  # its servers die with it
        supervisor.wait()
    if supervisor.stdin:
        supervisor.stdin.close()


def _why(config: StackConfig) -> str:
    try:
        return config.error_file.read_text().strip()
    except OSError:
        return f"the supervisor ended without a word; its log: {config.log_dir / 'supervisor.log'}"


def _read(config: StackConfig) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads(config.state_file.read_text())
    except (OSError, ValueError):
        return None
    return state
