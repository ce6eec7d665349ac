"""Every trouble that a server can make: the seat is sold by the database alone, the server is left in peace, and used
again when it is back."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest
import redis

from chalicelib.locking import seat_key
from tests.functional.locking.holders import Refused, Worker
from tests.functional.locking.proxy import Proxy
from tests.functional.locking.seat_worker import FLIGHT, lock_of
from tests.functional.locking.seats import MARGIN_S, Seats
from tests.functional.locking.topologies import Node, wait_until

pytestmark = pytest.mark.stack
TTL_MS, TIMEOUT_MS = 60_000, 100
FAILURES = 3
LONG_S, SHORT_S = 600, 0.2  # for how long the breaker stays open


@dataclass(frozen=True)
class Case:
    """A trouble: how a server is brought into it and out of it."""

    name: str
    begin: Callable[[Node, Proxy], object]
    end: Callable[[Node, Proxy], object]


def _be_a_replica(node: Node, _: Proxy) -> None:
    node.client.config_set("replica-serve-stale-data", "yes")
    node.client.replicaof("127.0.0.1", "1")


def _fill(node: Node, _: Proxy) -> None:
    node.client.config_set("maxmemory-policy", "noeviction")
    node.client.config_set("maxmemory", "1mb")
    with suppress(redis.OutOfMemoryError):
        for number in range(2000):
            node.client.set(f"ballast:{number}", "x" * 10_000)


def _want_a_password(node: Node, proxy: Proxy) -> None:
    node.client.config_set("requirepass", "secret-of-this-test")
    proxy.cut()


CASES = [
    Case("REFUSED", lambda _, proxy: proxy.refuse(), lambda _, proxy: proxy.heal()),
    Case("TIMED_OUT", lambda node, _: node.freeze(), lambda node, _: node.thaw()),
    Case("READ_ONLY", _be_a_replica, lambda node, _: node.client.replicaof("NO", "ONE")),
    Case("OUT_OF_MEMORY", _fill, lambda node, _: node.client.config_set("maxmemory", "0")),
    Case("NOT_AUTHENTICATED", _want_a_password, lambda node, _: node.client.config_set("requirepass", "")),
]


each_trouble = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@each_trouble
def test_a_server_in_trouble_is_left_in_peace(
    node: Node, proxy: Proxy, seats: Seats, pair: list[Worker], case: Case
) -> None:
    """Seats are held and refused by the database all the time, and after three failures nothing is sent any more."""
    first, second = pair
    first.open(proxy.url, TTL_MS, timeout_ms=TIMEOUT_MS, open_s=LONG_S)
    second.open("none:", TTL_MS)
    some, more = seats.fresh(FAILURES), seats.fresh(4)
    case.begin(node, proxy)
    try:
        for seat in some:
            assert first.reserve(seat, f"a-{seat}") == 1
        sent = proxy.connections, proxy.commands()
        for seat in more:
            number = first.reserve(seat, f"a-{seat}")
            first.ask("renew", seat=seat, booking=f"a-{seat}", fencing_number=number)
            with pytest.raises(Refused, match="SeatTaken"):
                second.reserve(seat, f"b-{seat}")
        assert first.ask("give_back", seat=more[0], booking=f"a-{more[0]}") is True
        assert (proxy.connections, proxy.commands()) == sent
        assert first.ask("fallbacks")[:FAILURES] == [case.name] * FAILURES
        assert len(first.ask("fallbacks")) == FAILURES + 2 * len(more) + 1
    finally:
        case.end(node, proxy)
    seats.check([node], TTL_MS)


@each_trouble
def test_a_server_that_is_back_is_used_again(
    node: Node, proxy: Proxy, seats: Seats, pair: list[Worker], case: Case
) -> None:
    """By itself: the next seat is locked, and the lock that could not be released in the meantime is released."""
    first, _ = pair
    first.open(proxy.url, TTL_MS, timeout_ms=TIMEOUT_MS, open_s=SHORT_S)
    before, meanwhile, probe, after = seats.fresh(4)
    first.reserve(before, f"a-{before}")
    case.begin(node, proxy)
    try:
        for attempt in range(FAILURES):
            first.reserve(meanwhile, f"a-{meanwhile}", attempt=attempt)
        assert first.ask("give_back", seat=before, booking=f"a-{before}") is True
    finally:
        case.end(node, proxy)
    wait_until(lambda: _locks(first, probe), "the server to be used again", 2 * SHORT_S + MARGIN_S)
    assert first.reserve(after, f"a-{after}") == 1
    assert node.client.get(seat_key(FLIGHT, after)) == lock_of(f"a-{after}").encode()
    assert not node.client.exists(seat_key(FLIGHT, before)), "the release that was kept was not sent"
    seats.check([node], TTL_MS)


def test_a_server_that_nobody_answers_for_is_not_missed(
    seats: Seats, seat: str, pair: list[Worker], free_port: int
) -> None:
    """Nothing listens on the port: one has the seat, the other is refused by the database."""
    for holder in pair:
        holder.open(f"redis://127.0.0.1:{free_port}", TTL_MS, open_s=LONG_S)
    first, second = pair
    assert first.reserve(seat, f"a-{seat}") == 1
    with pytest.raises(Refused, match="SeatTaken"):
        second.reserve(seat, f"b-{seat}")
    assert first.ask("fallbacks") == ["REFUSED"]
    seats.check([], TTL_MS)


def _locks(worker: Worker, seat: str) -> bool:
    """Whether it gets a lock from the server; it gives it back."""
    got = worker.ask("acquire", seat=seat, lock_id="lock-p")["verdict"] == "ACQUIRED"
    return bool(got and worker.ask("release", seat=seat, lock_id="lock-p")["verdict"] == "RELEASED")
