"""One server, or whoever stands for it now, over one kept connection. Single node and Sentinel differ in how the
connection is opened, and in nothing else."""

import contextlib
import threading
from collections.abc import Callable

from chalicelib.locking import wire
from chalicelib.locking.dialects import Dialect, Dialects
from chalicelib.locking.link import Link, Unanswered
from chalicelib.locking.verdicts import Release, Trouble
from chalicelib.locking.wire import Reply, ServerError


class SentOn(Unanswered):
    """A cluster's node doesn't serve the key, and says who does. It did nothing.

    Attributes:
        error: what it said.
    """

    def __init__(self, error: ServerError) -> None:
        super().__init__(error.trouble, sent=True)
        self.error = error


class Server:
    """The lock's operations on one server. Each raises Unanswered if there was no usable reply.

    A reply that is lost is asked for once more, on a new connection: every request may be carried out twice, as its
    owner stays the same.

    Args:
        open_link: connects to the server that is in charge at that moment.
        before: a command that goes before each request; its reply is not waited for.
    """

    def __init__(self, open_link: Callable[[], Link], *, before: bytes = b"") -> None:
        self._open_link = open_link
        self._before = before
        self._link: Link | None = None
        self._dialects = Dialects()
        self._mutex = threading.Lock()
        self._asked_twice = False

    def set_if_free(self, key: bytes, owner: bytes, ttl_ms: bytes) -> bytes | None:
        """Sets the owner unless there is one, and returns the one that was there."""
        with self._mutex:
            return _owner_in(self._ask(wire.set_if_free(key, owner, ttl_ms)))

    def set_if_owner(self, key: bytes, owner: bytes, ttl_ms: bytes) -> bytes | None:
        """Gives the full time again if ``owner`` is the owner, and returns the one that was there."""
        with self._mutex:
            return _owner_in(self._ask_in(self._dialects.extend, key, owner, ttl_ms))

    def delete_if_owner(self, key: bytes, owner: bytes) -> Release:
        """Deletes the key if ``owner`` is the owner."""
        with self._mutex:
            reply = self._ask_in(self._dialects.release, key, owner)
            if reply in (1, owner):
                return Release.RELEASED
            found = _owner_in(self._ask_quietly(wire.pack(b"GET", key)) if reply == 0 else reply)
            if found is not None:
                return Release.OWNED_BY_ANOTHER
            # Was the first request carried out and its reply lost? What was asked for holds.
            return Release.RELEASED if self._asked_twice else Release.EXPIRED

    def owner(self, key: bytes) -> bytes | None:
        """The owner now."""
        with self._mutex:
            return _owner_in(self._ask(wire.pack(b"GET", key)))

    def remaining_ms(self, key: bytes) -> int:
        """How long the key lives yet; negative if there is none."""
        with self._mutex:
            reply = self._ask(wire.pack(b"PTTL", key))
        if not isinstance(reply, int):
            raise Unanswered(Trouble.PROTOCOL, sent=True)
        return reply

    def ask(self, request: bytes) -> Reply:
        """Any other request."""
        with self._mutex:
            return self._ask(request)

    def close(self) -> None:
        """Ends the connection; the next request opens another."""
        with self._mutex:
            self._drop()

    def _ask_in(self, dialect: Dialect[...], *arguments: bytes) -> Reply:
        while True:  # a dialect has few spellings, and never goes back
            reply = self._ask(dialect.spelling(*arguments), raise_unsupported=False)
            if not dialect.must_change(reply):
                return _without_error(reply)

    def _ask_quietly(self, request: bytes) -> Reply:
        twice = self._asked_twice
        reply = self._ask(request)
        self._asked_twice = twice
        return reply

    def _ask(self, request: bytes, *, raise_unsupported: bool = True) -> Reply:
        self._asked_twice = False
        try:
            return self._ask_once(request, raise_unsupported=raise_unsupported)
        except SentOn:
            raise
        except Unanswered as lost:
            self._drop()
            if not lost.sent or lost.trouble not in _WORTH_ASKING_AGAIN:
                raise
        self._asked_twice = True
        try:
            return self._ask_once(request, raise_unsupported=raise_unsupported)
        except Unanswered:
            self._drop()
            raise

    def _ask_once(self, request: bytes, *, raise_unsupported: bool) -> Reply:
        if self._link is None:
            self._link = self._open_link()
        if self._before:
            self._link.send(self._before)
        self._link.send(request)
        reply = self._link.receive()
        if type(reply) is ServerError and reply.code in _REDIRECTIONS:
            raise SentOn(reply)
        if type(reply) is ServerError and (raise_unsupported or not reply.unsupported):
            raise Unanswered(reply.trouble, sent=True)
        return reply

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(OSError):  # it is being given up because it doesn't work
                link.close()


# A replica that was the master says so at once, and whoever opens the link may know the new one by now.
_WORTH_ASKING_AGAIN = {Trouble.REFUSED, Trouble.TIMED_OUT, Trouble.READ_ONLY, Trouble.PROTOCOL}

_REDIRECTIONS = {"MOVED", "ASK"}


def _owner_in(reply: Reply) -> bytes | None:
    if reply is None or type(reply) is bytes:
        return reply
    raise Unanswered(Trouble.PROTOCOL, sent=True)


def _without_error(reply: Reply) -> Reply:
    if isinstance(reply, ServerError):
        raise Unanswered(reply.trouble, sent=True)
    return reply
