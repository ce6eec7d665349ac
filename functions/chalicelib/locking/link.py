"""One connection to one server: requests go out in order and their replies come back in order.

``plain.py`` or redis-py makes the connection (TCP, TLS, users, tokens). After that the lock speaks on the socket
itself: its commands are few, its replies are short, and the general client's way around them takes longer than the
server does.
"""

import select
import socket
import ssl
import struct
import time
from enum import Enum

from chalicelib.locking.verdicts import Trouble
from chalicelib.locking.wire import Reply, read_reply

_CHUNK_BYTES = 4096
_SOON_S = 0.002
_SOON, _AT_ONCE = 0, socket.MSG_DONTWAIT
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
        opened: the socket; whoever gives it away keeps nothing that would close it.
        timeout_s: the longest that a send or a receive may take.
    """

    def __init__(self, opened: socket.socket, timeout_s: float) -> None:
        self._socket = opened
        self._recv = opened.recv
        self.sendall = opened.sendall
        self._timeout_s = timeout_s
        self._encrypted = isinstance(opened, ssl.SSLSocket)
        self._received = b""
        self.unread = 0  # replies that are still to come
        if not self._encrypted:
            _time_out_in_kernel(opened, min(timeout_s, _SOON_S), timeout_s)

    def fileno(self) -> int:
        """The socket's number, to wait for replies on several links."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Sends a request; its reply is to be received.

        Raises:
            Unanswered: the connection is no good any more; part of the request may have gone out.
        """
        self.unread += 1  # before it goes out: a reply that nobody counted would be taken for the next request's
        try:
            self.sendall(request)
        except OSError as error:
            raise Unanswered(trouble_of(error), sent=True) from error

    def receive(self) -> Reply:
        """Waits for the reply to the request sent last.

        Raises:
            Unanswered: it did not come in time, or the connection is no good any more.
        """
        until_s = time.monotonic() + self._timeout_s
        reply = self.take(soon=True)
        if not isinstance(reply, Waiting):
            return reply
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        while (left_s := until_s - time.monotonic()) > 0 and poller.poll(left_s * 1000):
            reply = self.take()
            if not isinstance(reply, Waiting):
                return reply
        raise Unanswered(Trouble.TIMED_OUT, sent=True)

    def take(self, *, soon: bool = False) -> Reply | Waiting:
        """The reply to the request sent last, if it is there. Replies to earlier requests are dropped.

        Args:
            soon: it may be a moment yet. A short wait in the kernel costs less than to look, and then to wait.

        Raises:
            Unanswered: the connection is no good any more.
        """
        try:
            data = self._decrypted() if self._encrypted else self._recv(_CHUNK_BYTES, _SOON if soon else _AT_ONCE)
            if self.unread == 1 and data in _WHOLE_REPLIES and not self._received:
                self.unread = 0
                return _WHOLE_REPLIES[data]
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self._received += data
            return self._last_reply()
        except (BlockingIOError, ssl.SSLWantReadError):
            return Waiting.WAITING
        except (OSError, ValueError) as error:
            raise Unanswered(trouble_of(error), sent=True) from error

    def close(self) -> None:
        """Ends the connection at once: what was not delivered yet is never delivered."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            self._socket.close()

    def _last_reply(self) -> Reply | Waiting:
        while (parsed := read_reply(self._received)) is not None:
            reply, size = parsed
            self._received = self._received[size:]
            self.unread -= 1
            if not self.unread:
                return reply
        return Waiting.WAITING

    def _decrypted(self) -> bytes:
        self._socket.settimeout(0)
        try:
            data = self._recv(_CHUNK_BYTES)
            while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                data += self._recv(_CHUNK_BYTES)  # decrypted already: nobody who waits for the socket would see it
            return data
        finally:
            self._socket.settimeout(self._timeout_s)


def trouble_of(error: Exception) -> Trouble:
    """What an error of the socket means to a lock."""
    if isinstance(error, (TimeoutError, BlockingIOError)):
        return Trouble.TIMED_OUT
    return Trouble.REFUSED if isinstance(error, OSError) else Trouble.PROTOCOL


def _time_out_in_kernel(plain: socket.socket, receive_s: float, send_s: float) -> None:
    # Python's own time-out asks the kernel twice for each send and receive: whether it could, and then to do it.
    plain.settimeout(None)
    for option, limit_s in ((socket.SO_RCVTIMEO, receive_s), (socket.SO_SNDTIMEO, send_s)):
        limit = struct.pack("ll", int(limit_s), max(1, int(limit_s % 1 * 1_000_000)))
        plain.setsockopt(socket.SOL_SOCKET, option, limit)
