"""A master that dies, with or without the lock having reached a replica: one holder in either case."""

import pytest

from chalicelib.locking import seat_key
from tests.functional.locking.holders import Refused, Worker
from tests.functional.locking.seat_worker import FLIGHT, lock_of
from tests.functional.locking.seats import Seats
from tests.functional.locking.topologies import SentinelGroup

pytestmark = pytest.mark.stack
TTL_MS = 60_000


def test_a_replicated_lock_outlives_its_master(
    sentinel_group: SentinelGroup, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """The new master refuses the second, and the first renews and is still the owner."""
    first, second = _opened(pair, sentinel_group)
    number = first.reserve(seat, f"a-{seat}")
    old = sentinel_group.current_master()
    assert old.ask("WAIT", 2, 5000) == 2
    old.kill()
    new = sentinel_group.wait_for_master_after(old)
    assert new.client.get(seat_key(FLIGHT, seat)) == lock_of(f"a-{seat}").encode()
    assert second.ask("acquire", seat=seat, lock_id="lock-b")["verdict"] == "HELD_BY_ANOTHER"
    assert first.ask("extend", seat=seat, lock_id=lock_of(f"a-{seat}"))["verdict"] == "EXTENDED"
    first.ask("renew", seat=seat, booking=f"a-{seat}", fencing_number=number)
    seats.check([new], TTL_MS)


def test_a_lock_that_died_with_its_master_does_not_sell_the_seat_twice(
    sentinel_group: SentinelGroup, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """The replicas never heard of it, so the second gets the lock; the database refuses it, and it gives the lock
    back. The first renews and takes its lock again."""
    first, second = _opened(pair, sentinel_group)
    old, replicas = sentinel_group.current_master(), sentinel_group.replicas
    for replica in replicas:
        replica.freeze()
    old.ask("CLIENT", "KILL", "TYPE", "replica")  # what they were sent already is all they ever get
    number = first.reserve(seat, f"a-{seat}")
    old.kill()
    for replica in replicas:
        replica.thaw()
    new = sentinel_group.wait_for_master_after(old)
    assert not new.client.exists(seat_key(FLIGHT, seat))
    assert second.ask("acquire", seat=seat, lock_id=lock_of(f"b-{seat}"))["verdict"] == "ACQUIRED"
    with pytest.raises(Refused, match="SeatTaken"):
        second.reserve(seat, f"b-{seat}")
    assert not new.client.exists(seat_key(FLIGHT, seat))
    first.ask("renew", seat=seat, booking=f"a-{seat}", fencing_number=number)
    assert new.client.get(seat_key(FLIGHT, seat)) == lock_of(f"a-{seat}").encode()
    seats.check([new], TTL_MS)


def _opened(pair: list[Worker], group: SentinelGroup) -> list[Worker]:
    for worker in pair:
        worker.open(group.url, TTL_MS, timeout_ms=500)
        assert worker.ask("release", seat="0A", lock_id="nobody")["verdict"] == "EXPIRED"  # connected to the master
    return pair
