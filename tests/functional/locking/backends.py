"""Every kind of URL that a lock can have, with the servers behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from chalicelib.locking import Acquisition, SeatLock, open_lock
from tests.functional.locking.topologies import (
    Node,
    start_cluster,
    start_node,
    start_nodes,
    start_sentinel_group,
    wait_until,
)

TTL_MS = 60_000
TIMEOUT_MS = 2_000  # two busy cores answer later than a network would


@dataclass(frozen=True)
class Backend:
    """What a URL names: the nodes that hold keys, and on how many of them a lock is when all is well."""

    url: str
    nodes: list[Node]
    copies: int = 1
    lead_first: bool = True

    def lock(self, ttl_ms: int = TTL_MS) -> SeatLock:
        """A lock with a connection of its own."""
        return open_lock(self.url, ttl_ms=ttl_ms, timeout_ms=TIMEOUT_MS, lead_first=self.lead_first)

    def holders(self, key: str) -> list[tuple[str, int]]:
        """The owner and the remaining milliseconds on each node that has the key."""
        having = [node.client for node in self.nodes if node.client.keys(key)]
        found = [(cast("bytes | None", client.get(key)), client.pttl(key)) for client in having]
        # A key can run out between two looks.
        return [(owner.decode(), remaining_ms) for owner, remaining_ms in found if owner is not None]

    def owners(self, key: str) -> list[str]:
        """The owner on each node that has the key."""
        return [owner for owner, _ in self.holders(key)]

    def become(self, key: str, owners: list[str]) -> None:
        """Waits for it: a majority's answers are enough, so the last nodes may still be doing what they were asked."""
        wait_until(lambda: self.owners(key) == owners, f"the owners to be {owners}", 5)

    def take(self, lock: SeatLock, key: str, owner: str) -> None:
        """The lock is the owner's, on every node that is to have it."""
        assert lock.acquire(key, owner).verdict is Acquisition.ACQUIRED
        self.become(key, [owner] * self.copies)

    def shorten(self, key: str, remaining_ms: int) -> None:
        """As if the lock were older: it has this long to live."""
        for node in self.nodes:
            if node.client.keys(key):
                node.client.pexpire(key, remaining_ms)


def _single(log_dir: Path) -> tuple[Backend, Callable[[], None]]:
    node = start_node(log_dir)
    return Backend(node.url, [node]), node.end


def _sentinel(log_dir: Path) -> tuple[Backend, Callable[[], None]]:
    group = start_sentinel_group(log_dir)
    return Backend(group.url, [group.master]), group.end


def _cluster(log_dir: Path) -> tuple[Backend, Callable[[], None]]:
    group = start_cluster(log_dir)
    return Backend(group.url, group.nodes), group.end


def _redlock(count: int, *, lead_first: bool) -> Callable[[Path], tuple[Backend, Callable[[], None]]]:
    def start(log_dir: Path) -> tuple[Backend, Callable[[], None]]:
        nodes = start_nodes(log_dir, count)
        url = ",".join(node.url for node in nodes)

        def end() -> None:
            for node in nodes:
                node.end()

        return Backend(url, nodes, count, lead_first), end

    return start


BACKENDS = {
    "single": _single,
    "sentinel": _sentinel,
    "cluster": _cluster,
    "redlock 5, all at once": _redlock(5, lead_first=False),
    "redlock 5, lead first": _redlock(5, lead_first=True),
    "redlock 3, lead first": _redlock(3, lead_first=True),
}
