"""Redlock: a lock that a majority of independent nodes gives.

The algorithm: https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/. All nodes are asked at once
without threads: the request is written to every connection, then the replies are read as they come, against one
deadline. Acquiring ends as soon as a majority has agreed, and what comes later is read with the next request; releasing
and extending hear every node out, so that nothing is left behind. A node that stays silent costs one time-out, once.
"""

import select
import threading
import time
from collections.abc import Callable, Sequence

from chalicelib.locking import wire
from chalicelib.locking.dialects import Dialect
from chalicelib.locking.link import Link, Unanswered, Waiting
from chalicelib.locking.redlock_node import NOT_REACHED, Node, Outcome
from chalicelib.locking.verdicts import (
    Acquisition,
    Answer,
    Extension,
    Inspection,
    LockUnreachable,
    Release,
    Trouble,
    lifetime_s,
)
from chalicelib.locking.wire import ServerError

_CHECK_LEAD_AFTER_S = 1.0
_REFUSALS_MAX = 4096

type Replies = list[tuple[Node, Outcome]]
type Dialects = list[tuple[Node, Dialect[...]]]


class Redlock:
    """Locks on a majority of nodes, as ``SeatLock`` says.

    Args:
        open_links: connects to each of the nodes, which know nothing of each other.
        ttl_ms: a lock's lifetime.
        timeout_s: how long one round of questions may take.
        lead_first: ask the first node that answers alone, and the others only if it gives the lock. A refusal is then
            one command, and of many at once one wins, since they meet at the lead. Its refusals are checked with the
            others once a second for each key, in case only the lead still remembers a lock.
    """

    def __init__(
        self, open_links: Sequence[Callable[[], Link]], ttl_ms: int, timeout_s: float, *, lead_first: bool
    ) -> None:
        self._nodes = [Node(open_link) for open_link in open_links]
        self._release_dialects: Dialects = [(node, node.dialects.release) for node in self._nodes]
        self._extend_dialects: Dialects = [(node, node.dialects.extend) for node in self._nodes]
        self._quorum = len(self._nodes) // 2 + 1
        self._ttl = str(ttl_ms).encode()
        self._lifetime_s = lifetime_s(ttl_ms)
        self._timeout_s = timeout_s
        self._lead_first = lead_first
        self._checked_s: dict[bytes, float] = {}
        self._mutex = threading.Lock()
        self.ttl_ms = ttl_ms

    def acquire(self, key: str, lock_id: str) -> Answer[Acquisition]:
        """Takes the lock on a majority for ``lock_id``, or leaves it where it was."""
        with self._mutex:
            return self._acquire(key.encode(), lock_id.encode())

    def extend(self, key: str, lock_id: str) -> Answer[Extension]:
        """Gives ``lock_id`` the full lifetime again if it owns the lock on a majority; a node that has lost it is left
        without it."""
        with self._mutex:
            asked_s = time.monotonic()
            owner = lock_id.encode()
            found = self._ask_in(self._extend_dialects, key.encode(), owner, self._ttl)
            ours = _count(found, (owner,))
            until_s = asked_s + self._lifetime_s
            if ours >= self._quorum and time.monotonic() < until_s:
                return Answer(Extension.EXTENDED, until_s)
            if ours + _silent(found) >= self._quorum:
                return Answer(Extension.UNKNOWN, trouble=Trouble.NO_QUORUM)
            others = any(_is_anothers(outcome, owner) for _, outcome in found)
            return Answer(Extension.OWNED_BY_ANOTHER if others else Extension.EXPIRED)

    def release(self, key: str, lock_id: str) -> Answer[Release]:
        """Ends the lock on each node where ``lock_id`` owns it."""
        with self._mutex:
            name, owner = key.encode(), lock_id.encode()
            replies = self._ask_in(self._release_dialects, name, owner)
            ended = _count(replies, (1, owner))
            if ended >= self._quorum:
                return Answer(Release.RELEASED)
            if ended + _silent(replies) >= self._quorum:
                return Answer(Release.UNKNOWN, trouble=Trouble.NO_QUORUM)
            left = self._ask(self._nodes, wire.pack(b"GET", name))
            if any(type(outcome) is bytes for _, outcome in left):
                return Answer(Release.OWNED_BY_ANOTHER)
            if _silent(left) >= self._quorum:
                return Answer(Release.UNKNOWN, trouble=Trouble.NO_QUORUM)
            return Answer(Release.EXPIRED)

    def inspect(self, key: str) -> Inspection:
        """Who holds the lock on a majority, and how long the majority will remember it.

        Raises:
            LockUnreachable: too few nodes answered to tell.
        """
        with self._mutex:
            found = self._ask(self._nodes, wire.pack(b"GET", key.encode()))
            owners = [outcome for _, outcome in found if type(outcome) is bytes]
            for owner in set(owners):
                if owners.count(owner) >= self._quorum:
                    holders = [node for node, outcome in found if outcome == owner]
                    return Inspection(owner.decode(errors="replace"), self._remaining_ms(holders, key.encode()))
            if max((owners.count(owner) for owner in owners), default=0) + _silent(found) >= self._quorum:
                raise LockUnreachable(Trouble.NO_QUORUM)
            return Inspection(None, None)

    def close(self) -> None:
        """Ends the connections."""
        with self._mutex:
            for node in self._nodes:
                node.close()

    def _acquire(self, key: bytes, owner: bytes) -> Answer[Acquisition]:
        asked_s = time.monotonic()
        request = wire.set_if_free(key, owner, self._ttl)
        replies: Replies = []
        if self._lead_first:
            lead = self._lead()
            outcome = lead.ask(request)
            replies.append((lead, outcome))
            if _is_anothers(outcome, owner) and self._trusts_lead(key, asked_s):
                return _HELD_BY_ANOTHER
            self._ask_each([(node, request) for node in self._nodes if node is not lead], replies, _TAKEN)
        else:
            self._ask_each([(node, request) for node in self._nodes], replies, _TAKEN)
        if _count(replies, _TAKEN) >= self._quorum and time.monotonic() < asked_s + self._lifetime_s:
            if key in self._checked_s:
                self._checked_s[key] = float("-inf")  # the lead was wrong about this seat, and may stay so
            return Answer(Acquisition.ACQUIRED, asked_s + self._lifetime_s)
        return self._not_newly_acquired(key, owner, replies)

    def _not_newly_acquired(self, key: bytes, owner: bytes, replies: Replies) -> Answer[Acquisition]:
        taken = [node for node, outcome in replies if outcome is None]
        ours = [node for node, outcome in replies if outcome == owner]
        if ours and len(taken) + len(ours) >= self._quorum:
            asked_s = time.monotonic()
            return Answer(Acquisition.ALREADY_OURS, asked_s + lifetime_s(self._remaining_ms(taken + ours, key)))
        undecided = len(taken) + len(ours) + _silent(replies) >= self._quorum
        # An earlier acquire of ours is not to be undone because a repeated one found too few nodes.
        if not undecided or all(node.asked_twice for node in ours):
            decided = {node for node, outcome in replies if _is_anothers(outcome, owner) or outcome is NOT_REACHED}
            self._ask_in([pair for pair in self._release_dialects if pair[0] not in decided], key, owner)
        if undecided:
            return Answer(Acquisition.UNKNOWN, trouble=Trouble.NO_QUORUM)
        return _HELD_BY_ANOTHER

    def _remaining_ms(self, nodes: Sequence[Node], key: bytes) -> int:
        """How long a majority of all nodes will remember the key; 0 if fewer than that say so."""
        replies = self._ask(nodes, wire.pack(b"PTTL", key))
        left_ms = sorted((outcome for _, outcome in replies if type(outcome) is int), reverse=True)
        return max(0, left_ms[self._quorum - 1]) if len(left_ms) >= self._quorum else 0

    def _lead(self) -> Node:
        """The first node that can be expected to answer."""
        return next((node for node in self._nodes if not node.behind and not node.resting), self._nodes[0])

    def _trusts_lead(self, key: bytes, now_s: float) -> bool:
        """Whether the lead's refusal is enough. Once a second it is not, and the majority is asked."""
        checked_s = self._checked_s.get(key)
        if checked_s is not None and now_s - checked_s < _CHECK_LEAD_AFTER_S:
            return True
        if len(self._checked_s) >= _REFUSALS_MAX:
            self._checked_s.clear()
        self._checked_s[key] = now_s
        return checked_s is None

    def _ask(self, nodes: Sequence[Node], request: bytes) -> Replies:
        return self._ask_each([(node, request) for node in nodes], [])

    def _ask_in(self, dialects: Dialects, *arguments: bytes) -> Replies:
        """Asks each node in the dialect that it understands, which may take another round the first time."""
        requests = []
        spelling = None
        for node, dialect in dialects:
            if dialect.spelling is not spelling:  # nodes are mostly alike
                spelling = dialect.spelling
                request = spelling(*arguments)
            requests.append((node, request))
        replies = self._ask_each(requests, [], undoing=True)
        for _, outcome in replies:
            if type(outcome) is ServerError:
                return self._asked_again(dialects, arguments, replies)
        return replies

    def _asked_again(self, dialects: Dialects, arguments: tuple[bytes, ...], replies: Replies) -> Replies:
        """Asks those who didn't understand in their next dialect."""
        spoken = dict(dialects)
        again = [(node, spoken[node]) for node, outcome in replies if spoken[node].must_change(outcome)]
        if not again:
            return replies
        repeated = {node for node, _ in again}
        return [pair for pair in replies if pair[0] not in repeated] + self._ask_in(again, *arguments)

    def _ask_each(
        self,
        requests: list[tuple[Node, bytes]],
        replies: Replies,
        enough: tuple[Outcome, ...] = (),
        *,
        undoing: bool = False,
    ) -> Replies:
        """Writes every request, then adds to ``replies`` until all are there, or a majority is one of ``enough``, or
        the time-out has passed. Without such a majority, every node has its outcome in what is returned."""
        begun = []
        for pair in requests:
            if pair[0].begin(pair[1], undoing=undoing):
                begun.append(pair)
            else:
                replies.append((pair[0], NOT_REACHED))
        asked_s = time.monotonic()
        waiting = self._read(begun, replies, enough, soon=True)
        if waiting:
            # When a majority has spoken, the others need not have the whole time to be heard.
            heard = len(replies) - _silent(replies) >= self._quorum
            patience_s = self._timeout_s / 2 if heard and not enough else self._timeout_s
            self._wait(waiting, replies, enough, asked_s + patience_s)
        return replies

    def _read(
        self, pairs: Sequence[tuple[Node, bytes]], replies: Replies, enough: tuple[Outcome, ...], *, soon: bool
    ) -> list[tuple[Node, bytes]]:
        """Reads what is there, and returns who is still to be waited for: nobody, once a majority has agreed."""
        waiting = []
        agreed = _count(replies, enough)
        for pair in pairs:
            outcome = pair[0].take(pair[1], soon=soon)
            if outcome is Waiting.WAITING:
                soon = False  # one moment for all of them
                waiting.append(pair)
                continue
            replies.append((pair[0], outcome))
            if outcome in enough:
                agreed += 1
                if agreed == self._quorum:
                    return []
        return waiting

    def _wait(
        self, waiting: list[tuple[Node, bytes]], replies: Replies, enough: tuple[Outcome, ...], until_s: float
    ) -> None:
        while waiting:
            left_s = until_s - time.monotonic()
            ready = _readable([node for node, _ in waiting], left_s) if left_s > 0 else set()
            if not ready:
                replies.extend((node, node.time_out()) for node, _ in waiting)
                return
            silent = [pair for pair in waiting if pair[0] not in ready]
            still = self._read([pair for pair in waiting if pair[0] in ready], replies, enough, soon=False)
            if _count(replies, enough) >= self._quorum:
                return
            waiting = silent + still


_TAKEN = (None,)
_HELD_BY_ANOTHER = Answer(Acquisition.HELD_BY_ANOTHER)


def _count(replies: Replies, wanted: tuple[Outcome, ...]) -> int:
    count = 0
    for _, outcome in replies:
        if outcome in wanted:
            count += 1
    return count


def _readable(nodes: Sequence[Node], timeout_s: float) -> set[Node]:
    poller = select.poll()
    by_number = {node.fileno(): node for node in nodes}
    for number in by_number:
        poller.register(number, select.POLLIN)
    return {by_number[number] for number, _ in poller.poll(timeout_s * 1000)}


def _is_anothers(outcome: Outcome, owner: bytes) -> bool:
    return type(outcome) is bytes and outcome != owner


def _is_silent(outcome: Outcome) -> bool:
    return isinstance(outcome, (Unanswered, ServerError))


def _silent(replies: Replies) -> int:
    return sum(1 for _, outcome in replies if _is_silent(outcome))
