"""A Redis Cluster: each seat's slot has a node, and a node that doesn't serve a slot says who does.

The first request asks for the slots as well, over the same connection. So a cache with one endpoint for all of them, as
ElastiCache Serverless is, costs what a single node does, and one command more for each process.
"""

import contextlib
from collections.abc import Callable, Sequence

from chalicelib.locking import wire
from chalicelib.locking.hosts import Node
from chalicelib.locking.link import Link, Unanswered
from chalicelib.locking.server import SentOn, Server
from chalicelib.locking.slots import Redirection, SlotMap, redirection, slot_map, slot_of
from chalicelib.locking.verdicts import Release, Trouble

_SENT_ON_MAX = 3
_ASKED_FIRST_MAX = 2
_PERHAPS_ANOTHERS_BY_NOW = {Trouble.REFUSED, Trouble.TIMED_OUT}


class ClusterServer:
    """The lock's operations on a cluster, as in ``server.Server``.

    Args:
        nodes: those that the URL names.
        open_link: connects to a node.
    """

    def __init__(self, nodes: Sequence[Node], open_link: Callable[[Node], Link]) -> None:
        self._named = list(nodes)
        self._open_link = open_link
        self._servers: dict[tuple[Node, bool], Server] = {}
        self._map: SlotMap | None = None  # not asked for yet
        self._moved: dict[int, Node] = {}  # what nodes said since the map was made
        self._turn = 0

    def set_if_free(self, key: bytes, owner: bytes, ttl_ms: bytes) -> bytes | None:
        """Sets the owner unless there is one, and returns the one that was there."""
        return self._at(key, lambda server: server.set_if_free(key, owner, ttl_ms))

    def set_if_owner(self, key: bytes, owner: bytes, ttl_ms: bytes) -> bytes | None:
        """Gives the full time again if ``owner`` is the owner, and returns the one that was there."""
        return self._at(key, lambda server: server.set_if_owner(key, owner, ttl_ms))

    def delete_if_owner(self, key: bytes, owner: bytes) -> Release:
        """Deletes the key if ``owner`` is the owner."""
        return self._at(key, lambda server: server.delete_if_owner(key, owner))

    def owner(self, key: bytes) -> bytes | None:
        """The owner now."""
        return self._at(key, lambda server: server.owner(key))

    def remaining_ms(self, key: bytes) -> int:
        """How long the key lives yet; negative if there is none."""
        return self._at(key, lambda server: server.remaining_ms(key))

    def close(self) -> None:
        """Ends the connections; the next request makes new ones."""
        for server in list(self._servers.values()):
            server.close()

    def _at[Found](self, key: bytes, ask: Callable[[Server], Found]) -> Found:
        """Asks the node of the key's slot, wherever that is by now."""
        slot = slot_of(key)
        node = self._node_of(slot, self._map or self._first_map())
        try:
            return self._following(slot, node, ask)
        except Unanswered as lost:
            if lost.trouble not in _PERHAPS_ANOTHERS_BY_NOW:
                raise
            heir = self._heir(slot, node)
            if heir is None:
                raise
        return self._following(slot, heir, ask)

    def _following[Found](self, slot: int, node: Node, ask: Callable[[Server], Found]) -> Found:
        for_now = False
        for _ in range(1 + _SENT_ON_MAX):
            try:
                return ask(self._server(node, for_now=for_now))
            except SentOn as told:
                elsewhere = redirection(told.error, node)
                if elsewhere is None:
                    raise
                self._remember(slot, elsewhere, told_by=node)
                node, for_now = elsewhere
        raise Unanswered(Trouble.NOT_READY, sent=True)  # each of them sends it to the next: they don't agree yet

    def _heir(self, slot: int, lost: Node) -> Node | None:
        """Who has the slot of a node that doesn't answer; None if it is still that node, or can't be found out."""
        known = self._map.nodes() if self._map else []
        others = [node for node in dict.fromkeys([*known, *self._named]) if node != lost]
        if not others:
            return None
        self._turn += 1  # one of them each time, so that asking stays short and two dead nodes don't hide a third
        try:
            heir = self._node_of(slot, self._learn(others[self._turn % len(others)]))
        except Unanswered:
            return None
        return None if heir == lost else heir

    def _first_map(self) -> SlotMap:
        trouble = Trouble.REFUSED
        for _ in range(min(_ASKED_FIRST_MAX, len(self._named))):
            node = self._named[self._turn % len(self._named)]
            try:
                return self._learn(node)
            except Unanswered as lost:
                trouble = lost.trouble
            if trouble not in _PERHAPS_ANOTHERS_BY_NOW:
                self._map = SlotMap([])  # this user may not ask: the nodes send requests on all the same
                return self._map
            self._turn += 1
        raise Unanswered(trouble, sent=False)

    def _remember(self, slot: int, elsewhere: Redirection, *, told_by: Node) -> None:
        if elsewhere.for_now:
            return
        with contextlib.suppress(Unanswered):  # without the map, what was said of this slot is enough for now
            self._learn(told_by)  # it answers; the other may not
        self._moved[slot] = elsewhere.node

    def _learn(self, node: Node) -> SlotMap:
        try:
            learnt = slot_map(self._server(node).ask(wire.CLUSTER_SLOTS), node)
        except ValueError as error:
            raise Unanswered(Trouble.PROTOCOL, sent=True) from error
        self._map, self._moved = learnt, {}
        here = {*learnt.nodes(), *self._named}
        for gone in [each for each in list(self._servers) if each[0] not in here]:
            self._servers.pop(gone).close()
        return learnt

    def _node_of(self, slot: int, slots: SlotMap) -> Node:
        return self._moved.get(slot) or slots.node_of(slot) or self._named[0]

    def _server(self, node: Node, *, for_now: bool = False) -> Server:
        # A slot on its way is asked for with ASKING each time: a connection of its own never forgets to.
        before = wire.ASKING if for_now else b""
        made = self._servers.get((node, for_now))
        return made or self._servers.setdefault((node, for_now), Server(lambda: self._open_link(node), before=before))
