"""One of Redlock's nodes: its connection, what it speaks, and whether it is worth waiting for."""

import contextlib
import time
from collections.abc import Callable

from chalicelib.locking.dialects import Dialects
from chalicelib.locking.link import Link, Unanswered, Waiting
from chalicelib.locking.verdicts import Trouble
from chalicelib.locking.wire import Reply

_REST_MIN_S = 1.0
_REST_MAX_S = 8.0
_GIVE_UP_S = 10.0
_UNREAD_MANY = 16
_UNREAD_MAX = 64

type Outcome = Reply | Unanswered


class Node:
    """Requests to it stay in order on one connection, so that a request that comes late is undone by what was sent
    after it. Only a connection that is broken, or silent for ten seconds, is replaced.

    Args:
        open_link: connects to the node.

    Attributes:
        asked_twice: the first reply to the present request was lost, so what it finds now may be its own doing.
    """

    def __init__(self, open_link: Callable[[], Link]) -> None:
        self._open_link = open_link
        self._link: Link | None = None
        self._rest_s = _REST_MIN_S
        self._rest_until_s = 0.0
        self._silent_since_s: float | None = None
        self.dialects = Dialects()
        self.asked_twice = False

    @property
    def behind(self) -> bool:
        """Whether it let a time-out pass, and hasn't answered since."""
        return self._silent_since_s is not None

    @property
    def resting(self) -> bool:
        """Whether it could not be reached a moment ago, and isn't tried again yet."""
        return self._link is None and time.monotonic() < self._rest_until_s

    def begin(self, request: bytes, *, undoing: bool = False) -> bool:
        """Sends the request; false if it can't have arrived, now or later. To a node that is behind, so many may be on
        their way, and twice as many if they undo what is."""
        self.asked_twice = False
        link = self._link
        kept = link is not None
        if link is None or link.unread >= _UNREAD_MANY or self._silent_since_s is not None:
            link = self._ready_link(2 * _UNREAD_MAX if undoing else _UNREAD_MAX)
            if link is None:
                return False
        link.unread += 1  # before it goes out: a reply that nobody counted would be taken for the next request's
        try:
            link.sendall(request)
        except OSError:
            self.drop()
            return kept and self._send_anew(request)  # a kept connection may have been cut long ago
        return True

    def ask(self, request: bytes) -> Outcome:
        """The reply to a request for this node alone, waited for unless the node is behind with its replies."""
        if not self.begin(request):
            return NOT_REACHED
        while self._link is not None and self._silent_since_s is None:
            try:
                reply = self._link.receive()
            except Unanswered as lost:
                if lost.trouble is Trouble.TIMED_OUT:
                    return self.time_out()
                if not self._ask_again(request):
                    return lost
            else:
                self._rest_s = _REST_MIN_S
                return reply
        outcome = self.take(request)
        return self.time_out() if isinstance(outcome, Waiting) else outcome

    def take(self, request: bytes, *, soon: bool = False) -> Outcome | Waiting:
        """The reply to the request that was begun last, if it is there, or may be in a moment. Where the connection
        breaks instead, the request is sent once more on a new one."""
        link = self._link
        if link is None:
            return NOT_REACHED
        try:
            reply = link.take(soon=soon and self._silent_since_s is None)
        except Unanswered as lost:
            return Waiting.WAITING if self._ask_again(request) else lost
        if reply is Waiting.WAITING:
            return TIMED_OUT if self._silent_since_s is not None else reply
        self._silent_since_s = None
        self._rest_s = _REST_MIN_S
        return reply

    def time_out(self) -> Outcome:
        """Notes that a time-out has passed without a reply."""
        if self._silent_since_s is None:
            self._silent_since_s = time.monotonic()
        return TIMED_OUT

    def fileno(self) -> int:
        """The connection's number, to wait for several nodes."""
        return self._link.fileno() if self._link else -1

    def drop(self) -> None:
        """Gives the connection up, and lets the node rest: a second, and longer each time until it answers again."""
        link, self._link = self._link, None
        self._silent_since_s = None
        self._rest_until_s = time.monotonic() + self._rest_s
        self._rest_s = min(2 * self._rest_s, _REST_MAX_S)
        if link is not None:
            with contextlib.suppress(OSError):  # it is being given up because it doesn't work
                link.close()

    def close(self) -> None:
        """Ends the connection; the next request opens another."""
        self.drop()
        self._rest_until_s = 0.0

    def _ask_again(self, request: bytes) -> bool:
        again = not self.asked_twice
        self.drop()
        if not again or not self._send_anew(request):
            return False
        self.asked_twice = True
        return True

    def _send_anew(self, request: bytes) -> bool:
        self._rest_until_s = 0.0
        link = self._reopened()
        if link is None:
            return False
        link.unread += 1
        try:
            link.sendall(request)
        except OSError:
            self.drop()
            return False
        return True

    def _ready_link(self, room: int) -> Link | None:
        if self._link is not None:
            self._catch_up(self._link)
        if self._link is None:
            return self._reopened()
        return self._link if self._link.unread < room else None

    def _reopened(self) -> Link | None:
        if self.resting:
            return None
        try:
            self._link = self._open_link()
        except Unanswered:
            self.drop()
            return None
        return self._link

    def _catch_up(self, link: Link) -> None:
        """Reads what has come by now of the replies that nobody waited for."""
        before = link.unread
        try:
            caught_up = link.take() is not Waiting.WAITING
        except Unanswered:
            self.drop()
            return
        if caught_up or link.unread < before:
            self._silent_since_s = None  # late it may be, but not silent
        elif time.monotonic() > (self._silent_since_s or time.monotonic()) + _GIVE_UP_S:
            self.drop()
            self._rest_until_s = 0.0  # what undoes the requests that it was sent must follow them
        elif link.unread >= _UNREAD_MANY:
            self.time_out()


NOT_REACHED = Unanswered(Trouble.REFUSED, sent=False)
TIMED_OUT = Unanswered(Trouble.TIMED_OUT, sent=True)
