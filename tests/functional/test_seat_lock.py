"""The seat lock against a real Valkey of its own: what is sent, what is answered, and what a dead server means."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chalicelib.locking.seat_lock import Acquisition, SeatLock, Tenure
from leleka.stack.config import free_ports
from leleka.stack.servers import Server, start_valkey, valkey_answers, wait_until_up

pytestmark = pytest.mark.stack
FLIGHT, SEAT, KEY, TTL_S = "KBP-BCN-0615", "12A", "seat:KBP-BCN-0615:12A:lock", 900


class Valkey:
    """A server, a plain client to look at it, and locks as the seat function makes them."""

    def __init__(self, log_dir: Path) -> None:
        (self.port,) = free_ports(1)
        self.server: Server = start_valkey(self.port, log_dir)
        wait_until_up(self.server, lambda: valkey_answers(self.port), 10)
        self.client = redis.Redis(port=self.port, socket_timeout=5)

    def lock(self, timeout_s: float = 1.0, ttl_s: int = TTL_S) -> SeatLock:
        client = redis.Redis(
            port=self.port,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
        return SeatLock(client, ttl_s)

    def end(self) -> None:
        self.server.process.send_signal(signal.SIGCONT)
        self.server.process.kill()
        self.server.process.wait(10)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """An empty server, ended with the test."""
    server = Valkey(tmp_path)
    yield server
    server.end()


def test_a_lock_is_the_owners_id_with_the_full_lifetime(valkey: Valkey) -> None:
    """One SET command, and what it leaves is the lock_id under the seat's key for fifteen minutes."""
    valkey.client.config_resetstat()
    assert valkey.lock().acquire(FLIGHT, SEAT, "lock-a") is Acquisition.ACQUIRED
    stats = valkey.client.info("commandstats")
    assert stats["cmdstat_set"]["calls"] == 1
    assert valkey.client.get(KEY) == b"lock-a"
    assert TTL_S - 5 <= valkey.client.ttl(KEY) <= TTL_S


def test_the_owner_gets_its_lock_again_and_another_does_not(valkey: Valkey) -> None:
    """A repeated step is told so; another booking is refused and changes nothing."""
    lock = valkey.lock()
    lock.acquire(FLIGHT, SEAT, "lock-a")
    assert lock.acquire(FLIGHT, SEAT, "lock-a") is Acquisition.ALREADY_OURS
    assert lock.acquire(FLIGHT, SEAT, "lock-b") is Acquisition.HELD_BY_ANOTHER
    assert lock.owner(FLIGHT, SEAT) == "lock-a"


def test_only_the_owner_ends_or_extends_a_lock(valkey: Valkey) -> None:
    """Somebody whose lock has run out can't harm the next owner."""
    lock = valkey.lock()
    lock.acquire(FLIGHT, SEAT, "lock-a")
    valkey.client.expire(KEY, 10)
    assert lock.release(FLIGHT, SEAT, "lock-b") is Tenure.NOT_OURS
    assert lock.extend(FLIGHT, SEAT, "lock-b") is Tenure.NOT_OURS
    assert valkey.client.ttl(KEY) <= 10
    assert lock.extend(FLIGHT, SEAT, "lock-a") is Tenure.DONE
    assert valkey.client.ttl(KEY) > 10
    assert lock.release(FLIGHT, SEAT, "lock-a") is Tenure.DONE
    assert lock.release(FLIGHT, SEAT, "lock-a") is Tenure.NOT_OURS
    assert valkey.client.exists(KEY) == 0


def test_a_lock_that_nobody_releases_ends_by_itself(valkey: Valkey) -> None:
    """Its owner died: after the TTL the next one gets it."""
    lock = valkey.lock(ttl_s=1)
    lock.acquire(FLIGHT, SEAT, "lock-a")
    until_s = time.monotonic() + 10
    while lock.acquire(FLIGHT, SEAT, "lock-b") is Acquisition.HELD_BY_ANOTHER:
        assert time.monotonic() < until_s
    assert lock.owner(FLIGHT, SEAT) == "lock-b"


def test_of_64_at_once_one_gets_the_lock(valkey: Valkey) -> None:
    """Each with a connection of its own; the server's one command leaves no gap between looking and taking."""
    together = Barrier(64)

    def acquire(number: int) -> Acquisition:
        lock = valkey.lock(timeout_s=10)
        together.wait()
        return lock.acquire(FLIGHT, SEAT, f"lock-{number}")

    with ThreadPoolExecutor(64) as pool:
        verdicts = list(pool.map(acquire, range(64)))
    assert verdicts.count(Acquisition.ACQUIRED) == 1
    assert verdicts.count(Acquisition.HELD_BY_ANOTHER) == 63


def test_a_dead_server_is_an_unknown_outcome(valkey: Valkey) -> None:
    """Not a refusal, and not an error: the database goes on alone."""
    lock = valkey.lock()
    valkey.end()
    assert lock.acquire(FLIGHT, SEAT, "lock-a") is Acquisition.UNKNOWN
    assert lock.release(FLIGHT, SEAT, "lock-a") is Tenure.UNKNOWN


def test_a_frozen_server_costs_two_time_outs_and_no_more(valkey: Valkey) -> None:
    """The command is asked once more, and then given up; the frozen command, once thawed, belongs to the same id."""
    lock = valkey.lock(timeout_s=0.2)
    lock.owner(FLIGHT, SEAT)  # connected
    valkey.server.process.send_signal(signal.SIGSTOP)
    assert lock.acquire(FLIGHT, SEAT, "lock-a") is Acquisition.UNKNOWN
    valkey.server.process.send_signal(signal.SIGCONT)
    assert valkey.lock(timeout_s=5).acquire(FLIGHT, SEAT, "lock-a") in {
        Acquisition.ACQUIRED,
        Acquisition.ALREADY_OURS,
    }
