"""A TCP proxy before a Redis-compatible server that loses what a network can, at the very command that a test names.

It reads commands and replies one at a time, so a test can have exactly one reply swallowed, or the connection cut
between two commands. It counts connections and commands, which is how a test knows what was asked without a clock.
"""

import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from typing import IO, NamedTuple

type Command = list[bytes]


class _Loss(NamedTuple):
    """What is to be lost next: a command before it reaches the server, or its reply, ``after`` which that happens."""

    names: frozenset[str]
    after: Callable[[], object] | None


RELEASES = ("DELIFEQ", "DELEX", "EVAL", "EVALSHA")  # whichever of them the server speaks

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends a reset
_ANSWER_S = 30.0  # no test freezes a server for longer


class Proxy:
    """A port of its own that leads to another; pass it on as the server's address."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._lock = threading.Lock()
        self._connections = 0
        self._commands: Counter[str] = Counter()
        self._losses: list[_Loss] = []
        self._refusing = False
        self._open = threading.Event()
        self._open.set()
        self._sockets: set[socket.socket] = set()
        self._ended = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def connections(self) -> int:
        """How often somebody connected, or tried to."""
        with self._lock:
            return self._connections

    def commands(self, *names: str) -> int:
        """How many commands of these names came, lost ones included; without a name, all that touch keys."""
        with self._lock:
            return sum(count for name, count in self._commands.items() if not names or name in names)

    def lose_reply(self, *names: str, times: int = 1, meanwhile: Callable[[], object] | None = None) -> None:
        """The next command of these names reaches the server and is carried out; then ``meanwhile`` happens, its reply
        is lost and the connection is cut."""
        with self._lock:
            self._losses = [_Loss(frozenset(names), meanwhile or _nothing)] * times

    def cut_before(self, *names: str, times: int = 1) -> None:
        """The next command of these names never reaches the server; the connection is cut."""
        with self._lock:
            self._losses = [_Loss(frozenset(names), None)] * times

    @property
    def losses_to_come(self) -> int:
        """How much of what was to be lost has not been asked for yet."""
        with self._lock:
            return len(self._losses)

    def refuse(self) -> None:
        """Resets every connection, those to come included: nobody serves here any more."""
        self._refusing = True
        self.cut()

    def part(self) -> None:
        """Nothing passes, and nobody is told: a partition. What was sent meanwhile arrives when it heals."""
        self._open.clear()

    def heal(self) -> None:
        """Everything passes again."""
        self._refusing = False
        self._open.set()

    def cut(self) -> None:
        """Resets the connections that there are."""
        with self._lock:
            for each in self._sockets:
                _reset(each)

    def end(self) -> None:
        """Closes the port and every connection."""
        self._ended = True
        self._open.set()
        # A thread that waits in accept() is woken by shutdown, not by close.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections += 1
            if self._refusing or self._ended:
                _reset(client)
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._server_port), timeout=_ANSWER_S)
        except OSError:
            _reset(client)
            client.close()
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = {client, server}
        with self._lock:
            self._sockets |= pair
        try:
            self._relay(client, server)
        except (OSError, ValueError):
            return  # one of the two is gone; the other is closed below
        finally:
            with self._lock:
                self._sockets -= pair
            _reset(client)
            for each in pair:
                each.close()

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        asked, answered = client.makefile("rb"), server.makefile("rb")
        with asked, answered:
            while command := _read_command(asked):
                self._count(command)
                loss = self._lost(command)
                if loss and loss.after is None:
                    return
                self._wait_until_open()
                server.sendall(_written(command))
                reply = _read_reply(answered)
                if loss and loss.after:
                    loss.after()
                    return
                self._wait_until_open()
                client.sendall(reply)

    def _wait_until_open(self) -> None:
        if not self._open.wait(_ANSWER_S):
            raise TimeoutError

    def _count(self, command: Command) -> None:
        name = _name(command)
        if name in _ABOUT_THE_CONNECTION:
            return
        with self._lock:
            self._commands[name] += 1

    def _lost(self, command: Command) -> "_Loss | None":
        with self._lock:
            if not self._losses or _name(command) not in self._losses[0].names:
                return None
            return self._losses.pop()


_ABOUT_THE_CONNECTION = frozenset({"AUTH", "CLIENT", "COMMAND", "HELLO", "INFO", "PING", "ROLE", "SELECT"})


def _nothing() -> None:
    """Nothing happens meanwhile."""


def _name(command: Command) -> str:
    return command[0].decode("latin-1").upper()


def _read_command(asked: IO[bytes]) -> Command:
    line = asked.readline()
    if not line:
        return []
    return [_read_blob(asked, asked.readline()) for _ in range(int(line[1:]))]


def _read_blob(source: IO[bytes], header: bytes) -> bytes:
    return source.read(int(header[1:]) + 2)[:-2]


def _written(command: Command) -> bytes:
    parts = [b"$%d\r\n%s\r\n" % (len(part), part) for part in command]
    return b"*%d\r\n" % len(command) + b"".join(parts)


def _read_reply(answered: IO[bytes]) -> bytes:
    """One whole reply, RESP2 or RESP3, as it came."""
    line = answered.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError
    kind = line[:1]
    if kind in b"+-:_#,(":
        return line
    length = int(line[1:])
    if kind in b"$=!":
        return line + (answered.read(length + 2) if length >= 0 else b"")
    parts = max(length, 0) * (2 if kind in b"%|" else 1)
    return line + b"".join(_read_reply(answered) for _ in range(parts))


def _reset(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        each.shutdown(socket.SHUT_RDWR)
