"""Two clients' ways to the same nodes, which a test can part."""

from collections.abc import Sequence

from tests.functional.locking.holders import Worker
from tests.functional.locking.proxy import Proxy
from tests.functional.locking.topologies import Node

TTL_MS, TIMEOUT_MS = 60_000, 200


class Paths:
    """Each client's own way to each of five nodes."""

    def __init__(self, nodes: list[Node]) -> None:
        self.first = [Proxy(node.port) for node in nodes]
        self.second = [Proxy(node.port) for node in nodes]

    def part(self, first: Sequence[int], second: Sequence[int], *, silent: bool) -> None:
        """From now on the first reaches these nodes, counted from 1, and the second those; the others are silent to
        them, or refuse."""
        for proxies, reached in ((self.first, first), (self.second, second)):
            for number, proxy in enumerate(proxies, 1):
                if number not in reached:
                    (proxy.part if silent else proxy.refuse)()

    def heal(self) -> None:
        """All reach all."""
        for proxy in [*self.first, *self.second]:
            proxy.heal()

    def end(self) -> None:
        """Closes them."""
        for proxy in [*self.first, *self.second]:
            proxy.end()


def open_redlock(workers: Sequence[Worker], urls: Sequence[str], *, lead_first: bool) -> None:
    """Each locks on these nodes from now on."""
    for worker in workers:
        worker.open(",".join(urls), TTL_MS, timeout_ms=TIMEOUT_MS, lead_first=lead_first)
