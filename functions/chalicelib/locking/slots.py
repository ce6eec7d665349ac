"""A cluster's slots: which one a key has, which node has it, and where the nodes send a request that came to the wrong
one. Source: https://valkey.io/topics/cluster-spec/."""

import binascii
from typing import NamedTuple

from chalicelib.locking.hosts import Node
from chalicelib.locking.wire import Reply, ServerError

_SLOTS = 16384
_UNKNOWN = "?"  # how a node that shall be shown by its name is shown while it has none


class Redirection(NamedTuple):
    """Where a node sends a request for a slot that it doesn't serve.

    Attributes:
        node: who does.
        for_now: whether for this request only: the slot is on its way there (ASK), and not there for good (MOVED).
    """

    node: Node
    for_now: bool


def slot_of(key: bytes) -> int:
    """The slot of a key: of the part in the first braces, if there is one, so that keys can be kept together."""
    _, brace, rest = key.partition(b"{")
    tag, end, _ = rest.partition(b"}")
    return binascii.crc_hqx(tag if brace and end and tag else key, 0) % _SLOTS


def redirection(error: ServerError, asked: Node) -> Redirection | None:
    """Where ``asked`` sends a request; None if it says so in no way that can be followed.

    Args:
        error: ``MOVED 3999 127.0.0.1:6381``, or ASK with the same.
        asked: whose reply it is.
    """
    host, _, port = error.message.split()[-1].rpartition(":")
    node = _node(host, int(port), asked) if port.isdecimal() else None
    return node and Redirection(node, for_now=error.code == "ASK")


class SlotMap:
    """Which node has which slots.

    Args:
        ranges: first and last slot of a range, and the node that has it.
    """

    def __init__(self, ranges: list[tuple[int, int, Node]]) -> None:
        self._ranges = ranges

    def node_of(self, slot: int) -> Node | None:
        """The node that has a slot, if any."""
        return next((node for first, last, node in self._ranges if first <= slot <= last), None)

    def nodes(self) -> list[Node]:
        """Every node that has slots, once."""
        return list(dict.fromkeys(node for _, _, node in self._ranges))


def slot_map(reply: Reply, asked: Node) -> SlotMap:
    """Reads a reply to ``CLUSTER SLOTS``: first, last, [host, port, …] of the master, the same of each replica.

    Raises:
        ValueError: it is no such reply.
    """
    ranges = []
    for entry in reply if isinstance(reply, list) else [reply]:
        match entry:
            case [int(first), int(last), [bytes() | None as host, int(port), *_], *_]:
                node = _node((host or b"").decode(), port, asked)
                ranges += [(first, last, node)] if node else []
            case _:
                raise ValueError(f"not a range of slots: {entry!r}")
    return SlotMap(ranges)


def _node(host: str, port: int, asked: Node) -> Node | None:
    if host == _UNKNOWN:
        return None
    return Node(host or asked.host, port)  # a node that doesn't know how it is reached means: as you reached me
