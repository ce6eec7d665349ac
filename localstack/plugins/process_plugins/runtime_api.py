"""The Lambda Runtime API of one process: a loopback socket, and just the HTTP that a runtime client speaks.

There is no server thread. The thread that carries an invocation also reads and answers the process, so that a warm
invocation costs two small messages and no change of thread.
"""

import socket
from dataclasses import dataclass
from enum import Enum, auto

_API = "/2018-06-01/runtime"
_RECEIVE_BYTES = 256 * 1024
_MAX_HEAD_BYTES = 2 * 1024 * 1024  # the client may send an X-Ray cause of 1 MB as a header
_SEND_TIMEOUT_S = 10.0


class ProtocolError(Exception):
    """The process sent what no runtime client sends."""


class Kind(Enum):
    """What a process can say."""

    NEXT = auto()
    RESPONSE = auto()
    ERROR = auto()
    INIT_ERROR = auto()


@dataclass(frozen=True)
class Message:
    """One request of the process, and the connection that waits for its answer."""

    kind: Kind
    body: bytes
    connection: "Connection"


class Connection:
    """One kept-alive HTTP connection of the process."""

    def __init__(self, sock: socket.socket, max_body_bytes: int) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(_SEND_TIMEOUT_S)
        self._socket = sock
        self._received = bytearray()
        self._max_body_bytes = max_body_bytes

    def fileno(self) -> int:
        """For polling."""
        return self._socket.fileno()

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()

    def receive(self) -> Message | None:
        """Reads what has come; returns the request once it is complete.

        Raises:
            EOFError: the process closed the connection.
            ProtocolError: it isn't a request of the Runtime API.
        """
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except OSError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            if len(self._received) > _MAX_HEAD_BYTES:
                raise ProtocolError("a request head without an end")
            return None
        kind, headers = _parse_head(self._received[:head_end].decode("latin-1"))
        body_start = head_end + 4
        # Of a body beyond the limit only that much is read that its size shows.
        body_bytes = min(int(headers.get("content-length", "0")), self._max_body_bytes + 1)
        if len(self._received) < body_start + body_bytes:
            if headers.get("expect") == "100-continue" and len(self._received) == body_start:
                self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        body = bytes(self._received[body_start : body_start + body_bytes])
        self._received.clear()
        return Message(kind, body, self)

    def accept(self) -> None:
        """Answers a response or an error."""
        self._send("202 Accepted", {}, b'{"status":"OK"}')

    def send_event(self, body: bytes, headers: dict[str, str]) -> None:
        """Answers "next" with an invocation."""
        self._send("200 OK", headers, body)

    def _send(self, status: str, headers: dict[str, str], body: bytes) -> None:
        head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        self._socket.sendall("\r\n".join([*head, "", ""]).encode("latin-1", "replace") + body)


def listen() -> socket.socket:
    """A loopback socket on a free port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=8)
    listener.setblocking(False)
    return listener


def _parse_head(head: str) -> tuple[Kind, dict[str, str]]:
    start, *lines = head.split("\r\n")
    method, path, *_ = start.split(" ")
    parted = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in parted}
    if "transfer-encoding" in headers:
        raise ProtocolError("a chunked body, which no runtime client sends")
    return _kind(method, path), headers


def _kind(method: str, path: str) -> Kind:
    if method == "GET" and path == f"{_API}/invocation/next":
        return Kind.NEXT
    if method == "POST" and path == f"{_API}/init/error":
        return Kind.INIT_ERROR
    if method == "POST" and path.startswith(f"{_API}/invocation/"):
        if path.endswith("/response"):
            return Kind.RESPONSE
        if path.endswith("/error"):
            return Kind.ERROR
    raise ProtocolError(f"{method} {path} is not in the Runtime API")
