"""A holder that dies, sleeps or lies: the seat comes free after the lock's lifetime, and no other's lock is touched."""

import time

import pytest

from chalicelib.locking import seat_key
from tests.functional.locking.holders import Refused, Worker
from tests.functional.locking.seat_worker import FLIGHT, lock_of
from tests.functional.locking.seats import MARGIN_S, Seats, wait_until_free
from tests.functional.locking.topologies import Node, wait_until

pytestmark = pytest.mark.stack
TTL_MS = 1000
HOLD_S = 1
SHORT_TTL_MS = 600  # of what is renewed


def test_a_holder_killed_before_its_write_blocks_the_seat_for_one_lifetime(
    node: Node, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """Another is refused until the lock's time is over, and no longer."""
    first, second = pair
    for holder in pair:
        holder.open(node.url, TTL_MS)
    began_s = time.monotonic()
    first.tell("reserve", seat=seat, booking=f"a-{seat}", pause=True)
    first.event("before the write")
    first.kill()
    with pytest.raises(Refused, match="SeatTaken"):
        second.reserve(seat, f"b-{seat}")
    assert _owner(node, seat) == lock_of(f"a-{seat}").encode()
    wait_until_free(node, seat, TTL_MS)
    assert TTL_MS / 1000 <= time.monotonic() - began_s <= TTL_MS / 1000 + MARGIN_S
    assert second.reserve(seat, f"c-{seat}") == 1
    seats.check([node], TTL_MS)


def test_a_holder_that_slept_past_its_time_has_lost_the_seat(
    node: Node, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """Awake again it can neither confirm nor renew, nor end the lock of the next."""
    first, second = pair
    first.open(node.url, TTL_MS, hold_ttl_s=HOLD_S)
    second.open(node.url, 60_000)
    number = first.reserve(seat, f"a-{seat}")
    first.freeze()
    wait_until_free(node, seat, TTL_MS)
    wait_until(lambda: seats.is_over(seat), "the hold to end", HOLD_S + MARGIN_S)
    assert second.reserve(seat, f"b-{seat}") == number + 1
    first.thaw()
    _assert_hold_lost(first, seat, number)
    assert first.ask("extend", seat=seat, lock_id=lock_of(f"a-{seat}"))["verdict"] == "OWNED_BY_ANOTHER"
    assert first.ask("release", seat=seat, lock_id=lock_of(f"a-{seat}"))["verdict"] == "OWNED_BY_ANOTHER"
    first.open("none:", TTL_MS)
    _assert_hold_lost(first, seat, number)  # the database doesn't need the lock to know
    assert first.ask("give_back", seat=seat, booking=f"a-{seat}") is False
    assert _owner(node, seat) == lock_of(f"b-{seat}").encode()
    seats.check([node], 60_000)


def test_a_write_that_comes_too_late_is_refused(node: Node, seats: Seats, seat: str, pair: list[Worker]) -> None:
    """The first had the lock, slept before its write, and wakes up when another holds the seat."""
    first, second = pair
    first.open(node.url, TTL_MS)
    second.open(node.url, 60_000)
    first.tell("reserve", seat=seat, booking=f"a-{seat}", pause=True)
    first.event("before the write")
    wait_until_free(node, seat, TTL_MS)
    assert second.reserve(seat, f"b-{seat}") == 1
    first.go_on()
    with pytest.raises(Refused, match="SeatTaken"):
        first.reserved()
    assert _owner(node, seat) == lock_of(f"b-{seat}").encode()
    seats.check([node], 60_000)


@pytest.mark.parametrize(("next_owner", "losses"), [(None, {"EXPIRED"}), ("lock-b", {"EXPIRED", "OWNED_BY_ANOTHER"})])
def test_the_watchdog_tells_a_holder_that_slept(
    node: Node, seats: Seats, seat: str, pair: list[Worker], next_owner: str | None, losses: set[str]
) -> None:
    """It kept the lock beyond one lifetime; after a longer sleep it says at once that the lock is lost, and neither
    takes it again nor touches the next owner's."""
    first, second = pair
    for holder in pair:
        holder.open(node.url, SHORT_TTL_MS)
    assert first.ask("keep", seat=seat, lock_id="lock-a")["verdict"] == "ACQUIRED"
    node.forget_calls()
    wait_until(lambda: node.calls().get("set", 0) >= 4, "four renewals, one every third of the lifetime")
    assert _owner(node, seat) == b"lock-a"
    assert first.ask("kept") is None
    first.freeze()
    wait_until_free(node, seat, SHORT_TTL_MS)
    second.open(node.url, 60_000)
    if next_owner:
        assert second.ask("acquire", seat=seat, lock_id=next_owner)["verdict"] == "ACQUIRED"
    first.thaw()
    assert first.event("lost", timeout_s=SHORT_TTL_MS / 1000)["loss"] in losses
    assert first.ask("kept") in losses
    assert _owner(node, seat) == (next_owner.encode() if next_owner else None)
    seats.check([node], 60_000, living=[next_owner or ""])


def test_another_s_lock_is_neither_taken_nor_extended_nor_released(
    node: Node, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """All are refused and change nothing, the time left included; and another's number confirms nothing."""
    first, second = pair
    first.open(node.url, TTL_MS * 10)
    second.open(node.url, TTL_MS * 60)
    number = first.reserve(seat, f"a-{seat}")
    for do, refusal in (
        ("acquire", "HELD_BY_ANOTHER"),
        ("extend", "OWNED_BY_ANOTHER"),
        ("release", "OWNED_BY_ANOTHER"),
    ):
        before_ms = node.client.pttl(seat_key(FLIGHT, seat))
        assert second.ask(do, seat=seat, lock_id="lock-b")["verdict"] == refusal
        assert 0 < node.client.pttl(seat_key(FLIGHT, seat)) <= before_ms
    with pytest.raises(Refused, match="HoldLost"):
        second.ask("confirm", seat=seat, booking=f"b-{seat}", fencing_number=number)
    assert second.ask("give_back", seat=seat, booking=f"b-{seat}") is False
    assert _owner(node, seat) == lock_of(f"a-{seat}").encode()
    seats.check([node], TTL_MS * 10)


def test_what_is_gone_is_not_extended(node: Node, seats: Seats, seat: str, pair: list[Worker]) -> None:
    """Extending or releasing a lock whose time is over makes no new one, and says so."""
    first, _ = pair
    first.open(node.url, TTL_MS)
    first.ask("acquire", seat=seat, lock_id="lock-a")
    wait_until_free(node, seat, TTL_MS)
    assert first.ask("extend", seat=seat, lock_id="lock-a")["verdict"] == "EXPIRED"
    assert first.ask("release", seat=seat, lock_id="lock-a")["verdict"] == "EXPIRED"
    assert not node.client.exists(seat_key(FLIGHT, seat))
    seats.check([node], TTL_MS)


def _assert_hold_lost(worker: Worker, seat: str, number: int) -> None:
    for do in ("confirm", "renew"):
        with pytest.raises(Refused, match="HoldLost"):
            worker.ask(do, seat=seat, booking=f"a-{seat}", fencing_number=number)


def _owner(node: Node, seat: str) -> bytes | None:
    return node.client.get(seat_key(FLIGHT, seat))  # type: ignore[return-value]  # redis-py says that it may be awaitable
