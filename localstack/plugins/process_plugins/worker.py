"""One process of one function: starts it, carries invocations to it, and ends it."""

import os
import select
import shutil
import signal
import subprocess
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from process_plugins.output import Output
from process_plugins.runtime_api import Connection, Kind, Message, ProtocolError, listen

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
# -u: output reaches the pipe as it is printed. -P: the bootstrap's folder is not on the path. -s: nor is the user's.
_PYTHON_OPTIONS = ("-u", "-P", "-s")
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


@dataclass(frozen=True)
class Launch:
    """What a process of a function is started with."""

    python: Path
    handler: str
    code_dir: Path
    scratch_dir: Path
    """Becomes the process's home and its place for temporary files; removed with it."""
    environment: dict[str, str]
    max_body_bytes: int
    max_log_bytes: int


class WorkerExit(Exception):
    """The process is gone. ``status`` is negative for a signal, as in `subprocess`."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the process ended with status {status}")
        self.status = status


class Worker:
    """A running process. Only one thread may use it at a time."""

    def __init__(self, launch: Launch) -> None:
        self.output = Output(launch.max_log_bytes)
        self.idle_since_s = time.monotonic()
        self.log_stream = launch.environment.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self._scratch_dir = launch.scratch_dir
        self._max_body_bytes = launch.max_body_bytes
        self._is_waited_for = False
        self._connections: dict[int, Connection] = {}
        self._inbox: deque[Message] = deque()
        self._listener = listen()
        leash, self._leash_holder = os.pipe()
        try:
            self._process = self._start(launch, leash)
        except BaseException:
            self._close_files()
            raise
        finally:
            os.close(leash)
            self.output.close_writer()
        self._exit_notice = os.pidfd_open(self._process.pid)
        self._poll = select.poll()
        for descriptor in (self._listener.fileno(), self.output.fileno(), self._exit_notice):
            self._poll.register(descriptor, _READABLE)

    @property
    def pid(self) -> int:
        """The process's id, which is also the id of its group."""
        return self._process.pid

    def _start(self, launch: Launch, leash: int) -> "subprocess.Popen[bytes]":
        launch.scratch_dir.mkdir(parents=True, mode=0o700)
        host, port = self._listener.getsockname()
        return subprocess.Popen(  # noqa: S603 - the interpreter is configured by the operator
            [launch.python, *_PYTHON_OPTIONS, _BOOTSTRAP, str(leash), launch.handler],
            env={**launch.environment, "AWS_LAMBDA_RUNTIME_API": f"{host}:{port}"},
            cwd=launch.code_dir,
            stdin=subprocess.DEVNULL,
            stdout=self.output.writer,
            stderr=self.output.writer,
            pass_fds=(leash,),
            start_new_session=True,
        )

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        poll = select.poll()  # select refuses descriptors above 1,023
        poll.register(self._exit_notice, select.POLLIN)
        return not poll.poll(0)

    def message(self, kinds: set[Kind], deadline_s: float) -> Message | None:
        """The next thing the process says, or None when the deadline (of `time.monotonic`) passes first.

        Raises:
            WorkerExit: the process ended instead.
            ProtocolError: it said something else.
        """
        exited = False
        while not self._inbox:
            if exited:
                self.kill_processes()
                raise WorkerExit(self._process.returncode)
            remaining_s = deadline_s - time.monotonic()
            if remaining_s <= 0:
                return None
            for descriptor, _ in self._poll.poll(remaining_s * 1000 + 1):
                if descriptor == self._exit_notice:
                    exited = True  # but first whatever it said last
                else:
                    self._read(descriptor)
        message = self._inbox.popleft()
        if message.kind not in kinds:
            raise ProtocolError(f"{message.kind.name} was not expected")
        return message

    def _read(self, descriptor: int) -> None:
        if descriptor == self.output.fileno():
            if not self.output.read():
                self._poll.unregister(descriptor)
        elif descriptor == self._listener.fileno():
            connection = Connection(self._listener.accept()[0], self._max_body_bytes)
            self._connections[connection.fileno()] = connection
            self._poll.register(connection, _READABLE)
        else:
            connection = self._connections[descriptor]
            try:
                message = connection.receive()
            except EOFError:
                self._poll.unregister(descriptor)
                self._connections.pop(descriptor).close()
            else:
                if message is not None:
                    self._inbox.append(message)

    def max_memory_mb(self) -> int:
        """The most memory the process had so far; 0 when it is gone."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return 0
        return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)

    def kill_processes(self) -> None:
        """Ends the process and all it started, at once; returns when it is gone. Its output can still be taken."""
        if not self._is_waited_for:
            # As long as the process is not waited for, its id can't belong to another one.
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
            self._is_waited_for = True

    def close(self) -> None:
        """Ends the process and frees all that it used."""
        self.kill_processes()
        self._close_files()
        shutil.rmtree(self._scratch_dir, ignore_errors=True)

    def _close_files(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        self._listener.close()
        self.output.close()
        for name in ("_leash_holder", "_exit_notice"):
            descriptor = getattr(self, name, -1)
            if descriptor >= 0:
                os.close(descriptor)
                setattr(self, name, -1)
