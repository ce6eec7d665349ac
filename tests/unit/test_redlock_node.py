"""One of Redlock's nodes, with connections that the test scripts: what is owed, what is late, and what is given up."""

import pytest

from chalicelib.locking import Trouble, redlock_node
from chalicelib.locking.link import Link, Unanswered, Waiting
from chalicelib.locking.redlock_node import Node
from chalicelib.locking.wire import Reply

CUT = Unanswered(Trouble.REFUSED, sent=True)


class ScriptedLink(Link):
    """A connection that remembers what was sent, and answers when told."""

    def __init__(self) -> None:
        self.unread = 0
        self.sent: list[bytes] = []
        self.arrived = 0
        self.broken = False
        self.closed = False

    def sendall(self, request: bytes) -> None:  # type: ignore[override]  # the socket's own takes any buffer
        """Takes the request, unless the connection is known to be cut."""
        if self.broken:
            raise BrokenPipeError
        self.sent.append(request)

    def take(self, *, soon: bool = False) -> Reply | Waiting:  # noqa: ARG002 - nothing is ever on its way here
        """Replies that have arrived are read; the last one owed is the answer."""
        if self.broken:
            raise CUT
        read = min(self.arrived, self.unread)
        self.arrived -= read
        self.unread -= read
        return Waiting.WAITING if self.unread or not read else b"answer"

    def close(self) -> None:
        """Notes it."""
        self.closed = True


class Place:
    """A node and the connections that it has opened."""

    def __init__(self) -> None:
        self.links: list[ScriptedLink] = []
        self.node = Node(self.open)

    def open(self) -> Link:
        self.links.append(ScriptedLink())
        return self.links[-1]

    def fall_silent(self) -> None:
        """A time-out passes without a reply."""
        assert self.node.begin(b"first")
        self.node.time_out()
        assert self.node.behind


@pytest.fixture
def place() -> Place:
    """A node that nobody has asked yet."""
    return Place()


def test_a_node_that_answers_late_is_not_a_silent_one(place: Place) -> None:
    """Under load something is always on its way; what has come shows that the node lives."""
    place.fall_silent()
    assert place.node.begin(b"second")
    place.links[0].arrived = 1
    assert place.node.begin(b"third")
    assert not place.node.behind


def test_a_silent_node_still_gets_what_undoes_its_requests(place: Place) -> None:
    """Requests stop at 64 unread replies; each of those may have set a lock, and each can be taken back."""
    place.fall_silent()
    taken = 1
    while place.node.begin(b"SET"):
        taken += 1
    assert taken == 64
    for _ in range(taken):
        assert place.node.begin(b"DELIFEQ", undoing=True)
    assert not place.node.begin(b"DELIFEQ", undoing=True)
    assert len(place.links) == 1


def test_a_node_that_stays_silent_is_connected_anew_and_asked_at_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What undoes an old request must not be left out because the connection was just given up."""
    monkeypatch.setattr(redlock_node, "_GIVE_UP_S", 0.0)
    place.fall_silent()
    assert place.node.begin(b"DELIFEQ", undoing=True)
    assert place.links[0].closed
    assert place.links[1].sent == [b"DELIFEQ"]


def test_a_kept_connection_that_was_cut_is_made_again_without_asking_twice(place: Place) -> None:
    """Nothing went out on it, so nothing that is found can be our own doing."""
    assert place.node.begin(b"first")
    place.links[0].broken = True
    assert place.node.begin(b"second")
    assert [link.sent for link in place.links] == [[b"first"], [b"second"]]
    assert not place.node.asked_twice


def test_a_reply_that_is_lost_is_asked_for_once_more_and_no_more(place: Place) -> None:
    """On a new connection, and what it finds may be its own doing."""
    assert place.node.begin(b"request")
    place.links[0].broken = True
    assert place.node.take(b"request") is Waiting.WAITING
    assert place.node.asked_twice
    assert place.links[1].sent == [b"request"]
    place.links[1].broken = True
    assert place.node.take(b"request") is CUT
    assert len(place.links) == 2
    assert place.node.resting


def test_a_request_is_owed_a_reply_before_it_goes_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever interrupts the sending: a reply that nobody counted would be taken for the next request's."""

    def interrupted(_: ScriptedLink, __: bytes) -> None:
        raise KeyboardInterrupt

    assert place.node.begin(b"first")
    monkeypatch.setattr(ScriptedLink, "sendall", interrupted)
    with pytest.raises(KeyboardInterrupt):
        place.node.begin(b"second")
    assert place.links[0].unread == 2
