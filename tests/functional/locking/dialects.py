"""What stands in for servers that no package brings: a relay before a real Valkey that speaks another's dialect.

What Redis 7 and Redis 8.4 answer to the commands in question is written down here from their documentation; everything
else is the real server's own.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import IO

type Command = list[bytes]
type Dialect = Callable[[Command], Command | bytes]


def redis_7(command: Command) -> Command | bytes:
    """Neither DELIFEQ nor DELEX, and SET has no IFEQ."""
    if command[0].upper() in {b"DELIFEQ", b"DELEX"}:
        return _unknown(command)
    if command[0].upper() == b"SET" and b"IFEQ" in map(bytes.upper, command[3:]):
        return b"-ERR syntax error\r\n"
    return command


def redis_8_4(command: Command) -> Command | bytes:
    """``DELEX key IFEQ value`` instead of DELIFEQ; SET has IFEQ."""
    if command[0].upper() == b"DELIFEQ":
        return _unknown(command)
    if command[0].upper() != b"DELEX":
        return command
    if len(command) != 4 or command[2].upper() != b"IFEQ":
        return b"-ERR wrong number of arguments for 'delex' command\r\n"
    return [b"DELIFEQ", command[1], command[3]]


class Relay:
    """A port of its own that leads to a server, and translates; ``asked`` are the commands on keys that came."""

    def __init__(self, server_port: int, dialect: Dialect) -> None:
        self.asked: list[str] = []
        self._server_port, self._dialect = server_port, dialect
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def end(self) -> None:
        """Closes the port; a connection ends with its client."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._server_port), timeout=10)
        asked, answered = client.makefile("rb"), server.makefile("rb")
        with contextlib.suppress(OSError), client, server, asked, answered:
            while command := _read_command(asked):
                client.sendall(self._answer(command, server, answered))

    def _answer(self, command: Command, server: socket.socket, answered: IO[bytes]) -> bytes:
        if command[0].upper() not in {b"CLIENT", b"HELLO"}:
            self.asked.append(command[0].decode().upper())
        translated = self._dialect(command)
        if isinstance(translated, bytes):
            return translated
        parts = [b"$%d\r\n%b\r\n" % (len(part), part) for part in translated]
        server.sendall(b"*%d\r\n" % len(parts) + b"".join(parts))
        return _read_reply(answered)


def _unknown(command: Command) -> bytes:
    return b"-ERR unknown command '%b', with args beginning with: \r\n" % command[0]


def _read_command(stream: IO[bytes]) -> Command:
    head = stream.readline()
    return [stream.read(int(stream.readline()[1:]) + 2)[:-2] for _ in range(int(head[1:]))] if head else []


def _read_reply(stream: IO[bytes]) -> bytes:
    line = stream.readline()
    if line[:1] == b"$" and int(line[1:]) >= 0:
        return line + stream.read(int(line[1:]) + 2)
    if line[:1] == b"*":
        return line + b"".join(_read_reply(stream) for _ in range(int(line[1:])))
    return line
