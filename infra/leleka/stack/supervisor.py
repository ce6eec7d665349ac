"""The process that owns the two servers: they live no longer than it does.

Run as ``python -m leleka.stack.supervisor STATE_DIR GATEWAY_PORT VALKEY_PORT [--tied]``. With ``--tied`` it also ends
when its standard input closes, that is, when the process that started it is gone, however that ended.
"""

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from leleka.stack.config import StackConfig, StackError
from leleka.stack.process import ProcessId
from leleka.stack.servers import (
    Server,
    last_line,
    localstack_answers,
    start_localstack,
    start_valkey,
    valkey_answers,
    wait_until_up,
)

_VALKEY_UP_S = 10.0
_LOCALSTACK_UP_S = 90.0
_STOP_S = 2.0  # LocalStack has nothing to save, and would wait for its idle threads for longer


class _Stopped(Exception):
    """Somebody asked the supervisor to end."""


def main() -> int:
    """Starts the servers, waits for an end, and ends them."""
    state_dir, gateway_port, valkey_port, *options = sys.argv[1:]
    config = StackConfig(Path(state_dir), int(gateway_port), int(valkey_port))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _raise_stopped)
    with (config.state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            config.error_file.write_text(f"another stack is running or starting in {config.state_dir}\n")
            return 1
        return _run(config, int(gateway_port), int(valkey_port), tied="--tied" in options)


def _run(config: StackConfig, gateway_port: int, valkey_port: int, *, tied: bool) -> int:
    servers: list[Server] = []
    try:
        _bring_up(config, gateway_port, valkey_port, servers)
        _wait_for_an_end(servers, tied=tied)
    except _Stopped:
        return 0
    except StackError as error:
        config.error_file.write_text(f"{error}\n")
        return 1
    finally:
        _take_down(config, servers)
    return 0


def _raise_stopped(_number: int, _frame: FrameType | None) -> None:
    raise _Stopped


def _bring_up(config: StackConfig, gateway_port: int, valkey_port: int, servers: list[Server]) -> None:
    config.remove_data()
    servers.append(start_localstack(gateway_port, config.state_dir, config.log_dir))
    servers.append(start_valkey(valkey_port, config.log_dir))
    _record(config, gateway_port, valkey_port, servers, ready=False)
    wait_until_up(servers[1], lambda: valkey_answers(valkey_port), _VALKEY_UP_S)
    wait_until_up(servers[0], lambda: localstack_answers(gateway_port), _LOCALSTACK_UP_S)
    _record(config, gateway_port, valkey_port, servers, ready=True)


def _record(config: StackConfig, gateway_port: int, valkey_port: int, servers: list[Server], *, ready: bool) -> None:
    processes = {server.name: ProcessId.of(server.process.pid) for server in servers}
    processes["supervisor"] = ProcessId.of(os.getpid())
    state = {
        "ready": ready,
        "gateway_port": gateway_port,
        "valkey_port": valkey_port,
        "processes": {name: asdict(process) for name, process in processes.items() if process},
    }
    temporary = config.state_file.with_suffix(".new")
    temporary.write_text(json.dumps(state, indent=2))
    temporary.replace(config.state_file)


def _wait_for_an_end(servers: list[Server], *, tied: bool) -> None:
    handles = {os.pidfd_open(server.process.pid): server for server in servers}
    waited: list[int] = [*handles, *([0] if tied else [])]
    ended, _, _ = select.select(waited, [], [])
    if 0 in ended:
        return
    server = handles[ended[0]]
    raise StackError(f"{server.name} ended by itself ({last_line(server.log)}); its log: {server.log}")


def _take_down(config: StackConfig, servers: list[Server]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # once is enough; a second one must not interrupt the clean-up
    for server in servers:
        with contextlib.suppress(ProcessLookupError):
            server.process.terminate()
    for server in servers:
        try:
            server.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()
    config.remove_data()
    config.state_file.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
