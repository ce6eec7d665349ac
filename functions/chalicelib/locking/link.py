"""One connection to one server: requests go out in order and their replies come back in order.

redis-py makes the connection (TCP, TLS, users, tokens). After that the lock speaks on the socket itself: its commands
are few, its replies are short, and the general client's way around them takes longer than the server does.
"""

import socket
import ssl
import struct
import time
from enum import Enum

import redis
import redis.exceptions

from chalicelib.locking.verdicts import Trouble
from chalicelib.locking.wire import Reply, ServerError, read_reply

_CHUNK_BYTES = 4096
_AT_ONCE = socket.MSG_DONTWAIT
# Most replies of Redlock's nodes are one of these, and there are many of them.
_WHOLE_REPLIES: dict[bytes, Reply] = {b"$-1\r\n": None, b":1\r\n": 1, b":0\r\n": 0}


class Unanswered(Exception):
    """There is no reply: the request may have been carried out, or may yet be, or was never sent.

    Attributes:
        trouble: why.
        sent: whether the server may have got the request.
    """

    def __init__(self, trouble: Trouble, *, sent: bool) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.sent = sent


class Waiting(Enum):
    """No reply yet."""

    WAITING = "waiting"


class Link:
    """An open connection.

    Args:
        connection: redis-py's, not connected yet, speaking RESP2.
        timeout_s: the longest that a send or a receive may take.

    Raises:
        Unanswered: it could not be opened.
    """

    def __init__(self, connection: redis.Connection, timeout_s: float) -> None:
        try:
            connection.connect()
        except redis.RedisError as error:
            raise Unanswered(trouble_of(error), sent=False) from error
        self._connection = connection
        opened = connection._get_socket()
        if opened is None:
            raise Unanswered(Trouble.REFUSED, sent=False)
        self._socket: socket.socket = opened
        self._recv = self._socket.recv
        self.sendall = self._socket.sendall
        self._timeout_s = timeout_s
        self._encrypted = isinstance(self._socket, ssl.SSLSocket)
        self._received = b""
        self.unread = 0  # replies that are still to come
        if not self._encrypted:
            _time_out_in_kernel(self._socket, timeout_s)

    def fileno(self) -> int:
        """The socket's number, to wait for replies on several links."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Sends a request; its reply is to be received.

        Raises:
            Unanswered: the connection is no good any more; part of the request may have gone out.
        """
        try:
            self.sendall(request)
        except OSError as error:
            raise Unanswered(trouble_of(error), sent=True) from error
        self.unread += 1

    def receive(self) -> Reply:
        """Waits for the reply to the request sent last.

        Raises:
            Unanswered: it did not come in time, or the connection is no good any more.
        """
        until_s = 0.0
        try:
            while True:
                self._received += self._some(self._recv(_CHUNK_BYTES))
                reply = self._last_reply()
                if reply is not Waiting.WAITING:
                    return reply
                if not until_s:  # a reply that comes in drops has little more time than one that comes at once
                    until_s = time.monotonic() + self._timeout_s
                elif time.monotonic() > until_s:
                    raise TimeoutError("the reply comes too slowly")
        except (OSError, ValueError) as error:
            raise Unanswered(trouble_of(error), sent=True) from error

    def take(self) -> Reply | Waiting:
        """The reply to the request sent last, if it is there. Replies to earlier requests are dropped.

        Raises:
            Unanswered: the connection is no good any more.
        """
        try:
            data = self._some(self._recv_at_once() if self._encrypted else self._recv(_CHUNK_BYTES, _AT_ONCE))
            if self.unread == 1 and data in _WHOLE_REPLIES and not self._received:
                self.unread = 0
                return _WHOLE_REPLIES[data]
            self._received += data
            return self._last_reply()
        except (BlockingIOError, ssl.SSLWantReadError):
            return Waiting.WAITING
        except (OSError, ValueError) as error:
            raise Unanswered(trouble_of(error), sent=True) from error

    def close(self) -> None:
        """Ends the connection at once: what was not delivered yet is never delivered."""
        if not self._encrypted:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.disconnect()

    def _last_reply(self) -> Reply | Waiting:
        while (parsed := read_reply(self._received)) is not None:
            reply, size = parsed
            self._received = self._received[size:]
            self.unread -= 1
            if not self.unread:
                return reply
        return Waiting.WAITING

    def _recv_at_once(self) -> bytes:
        self._socket.settimeout(0)
        try:
            return self._recv(_CHUNK_BYTES)
        finally:
            self._socket.settimeout(self._timeout_s)

    @staticmethod
    def _some(data: bytes) -> bytes:
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data


def trouble_of(error: Exception) -> Trouble:
    """What an error of the socket, or of redis-py, means to a lock."""
    if isinstance(error, (TimeoutError, BlockingIOError, redis.TimeoutError)):
        return Trouble.TIMED_OUT
    if isinstance(error, redis.ResponseError):
        return ServerError(str(error)).trouble
    if isinstance(error, (redis.AuthenticationError, redis.exceptions.NoPermissionError)):
        return Trouble.NOT_AUTHENTICATED
    if isinstance(error, redis.exceptions.BusyLoadingError):
        return Trouble.NOT_READY
    if isinstance(error, (OSError, redis.ConnectionError)):
        return Trouble.REFUSED
    return Trouble.PROTOCOL


def _time_out_in_kernel(plain: socket.socket, timeout_s: float) -> None:
    # Python's own time-out asks the kernel twice for each send and receive: whether it could, and then to do it.
    plain.settimeout(None)
    limit = struct.pack("ll", int(timeout_s), max(1, int(timeout_s % 1 * 1_000_000)))
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
