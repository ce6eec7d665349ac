"""A server that freezes, and a connection that loses a command or its reply: unknown is never taken for no."""

import time

import pytest

from chalicelib.locking import seat_key
from tests.functional.locking.holders import Refused, Worker
from tests.functional.locking.proxy import RELEASES, Proxy
from tests.functional.locking.seat_worker import FLIGHT, lock_of
from tests.functional.locking.seats import MARGIN_S, Seats, wait_until_free
from tests.functional.locking.topologies import Node

pytestmark = pytest.mark.stack
TTL_MS, TIMEOUT_MS = 1000, 200


def test_a_frozen_server_leaves_the_seat_to_the_database(
    node: Node, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """The call ends after two time-outs and the seat is held all the same; thawed, the server carries out what lay
    before it, and that belongs to the holder."""
    first, second = pair
    for holder in pair:
        holder.open(node.url, TTL_MS, timeout_ms=TIMEOUT_MS)
        holder.ask("release", seat=seat, lock_id="nobody")  # connected
    node.freeze()
    began_s = time.monotonic()
    assert first.reserve(seat, f"a-{seat}") == 1
    assert time.monotonic() - began_s <= 2 * TIMEOUT_MS / 1000 + MARGIN_S
    node.thaw()
    assert node.client.get(seat_key(FLIGHT, seat)) in {None, lock_of(f"a-{seat}").encode()}
    with pytest.raises(Refused, match="SeatTaken"):
        second.reserve(seat, f"b-{seat}")
    seats.check([node], TTL_MS)


def test_a_frozen_server_is_unknown_whatever_is_asked(node: Node, seats: Seats, seat: str, pair: list[Worker]) -> None:
    """Acquire, extend and release say so with the reason; what arrives late blocks for one lifetime at most."""
    first, second = pair
    for holder in pair:
        holder.open(node.url, TTL_MS, timeout_ms=TIMEOUT_MS)
    node.freeze()
    for do in ("acquire", "extend", "release"):
        answer = first.ask(do, seat=seat, lock_id="lock-a")
        assert (answer["verdict"], answer["trouble"]) == ("UNKNOWN", "TIMED_OUT")
    node.thaw()
    wait_until_free(node, seat, TTL_MS)
    assert second.ask("acquire", seat=seat, lock_id="lock-b")["verdict"] == "ACQUIRED"
    seats.check([node], TTL_MS, living=["lock-b"])


def test_a_refused_customer_of_a_frozen_server_leaves_no_lock_for_long(
    node: Node, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """The database refuses the second while the server is frozen; thawed, it has the late lock for a lifetime at most,
    and the holder confirms."""
    first, second = pair
    first.open("none:", TTL_MS)
    second.open(node.url, TTL_MS, timeout_ms=TIMEOUT_MS)
    first.reserve(seat, f"a-{seat}")
    node.freeze()
    with pytest.raises(Refused, match="SeatTaken"):
        second.reserve(seat, f"b-{seat}")
    node.thaw()
    wait_until_free(node, seat, TTL_MS)
    seats.check([node], TTL_MS)


def test_a_lost_reply_to_an_acquire_is_no_refusal(
    node: Node, proxy: Proxy, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """The lock is asked for again with the same id, and finds itself."""
    first, _ = pair
    first.open(proxy.url, TTL_MS)
    proxy.lose_reply("SET")
    answer = first.ask("acquire", seat=seat, lock_id="lock-a")
    assert answer["verdict"] in {"ACQUIRED", "ALREADY_OURS"}
    assert 0 < answer["valid_for_ms"] < TTL_MS
    assert proxy.losses_to_come == 0
    assert proxy.commands("SET") == 2
    seats.check([node], TTL_MS, living=["lock-a"])


def test_a_lost_reply_does_not_refuse_the_holder_s_own_seat(
    node: Node, proxy: Proxy, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """Not when one reply is lost, nor when the second is lost too, nor when the whole step is repeated."""
    first, _ = pair
    first.open(proxy.url, TTL_MS * 10)
    for booking, times in ((f"a-{seat}", 1), (f"b-{seat}", 2)):
        proxy.lose_reply("SET", times=times)
        number = first.reserve(seat, booking)
        assert proxy.losses_to_come == 0
        assert first.reserve(seat, booking, attempt=1) == number
        if times == 1:
            assert first.ask("give_back", seat=seat, booking=booking) is True
    seats.check([node], TTL_MS * 10)


@pytest.mark.parametrize("after", [False, True], ids=["never arrived", "its reply was lost"])
def test_a_release_that_was_cut_off_is_asked_again(
    node: Node, proxy: Proxy, seats: Seats, seat: str, pair: list[Worker], after: bool
) -> None:
    """Whether the server had carried it out or not, the lock is gone when the call returns."""
    first, _ = pair
    first.open(proxy.url, TTL_MS * 10)
    first.ask("acquire", seat=seat, lock_id="lock-a")
    (proxy.lose_reply if after else proxy.cut_before)(*RELEASES)
    assert first.ask("release", seat=seat, lock_id="lock-a")["verdict"] in {"RELEASED", "EXPIRED"}
    assert proxy.losses_to_come == 0
    seats.check([node], TTL_MS * 10)


def test_a_release_asked_again_spares_the_next_owner(
    node: Node, proxy: Proxy, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """The first ask freed the seat and its reply was lost; another took it before the second ask."""
    first, second = pair
    first.open(proxy.url, TTL_MS * 10)
    second.open(node.url, TTL_MS * 10)
    first.ask("acquire", seat=seat, lock_id="lock-a")
    proxy.lose_reply(*RELEASES, meanwhile=lambda: second.ask("acquire", seat=seat, lock_id="lock-b"))
    assert first.ask("release", seat=seat, lock_id="lock-a")["verdict"] in {"RELEASED", "OWNED_BY_ANOTHER"}
    assert proxy.losses_to_come == 0
    seats.check([node], TTL_MS * 10, living=["lock-b"])
    assert node.client.get(seat_key(FLIGHT, seat)) == b"lock-b"


def test_a_release_that_gets_no_way_through_ends_with_the_lifetime(
    node: Node, proxy: Proxy, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """Both asks are cut off: unknown, the seat's hold is given back all the same, and another gets it after the
    lock's lifetime."""
    first, second = pair
    first.open(proxy.url, TTL_MS)
    second.open(node.url, TTL_MS)
    assert first.reserve(seat, f"a-{seat}") == 1
    proxy.cut_before(*RELEASES, times=2)
    assert first.ask("give_back", seat=seat, booking=f"a-{seat}") is True
    assert proxy.losses_to_come == 0
    wait_until_free(node, seat, TTL_MS)
    assert second.reserve(seat, f"b-{seat}") == 2
    seats.check([node], TTL_MS)


def test_a_lost_reply_to_an_extension_is_asked_again(
    node: Node, proxy: Proxy, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """The lock has its full time again, and no more than that."""
    first, _ = pair
    first.open(proxy.url, TTL_MS * 10)
    first.ask("acquire", seat=seat, lock_id="lock-a")
    node.client.pexpire(seat_key(FLIGHT, seat), TTL_MS)
    proxy.lose_reply("SET", "EVAL", "EVALSHA")
    assert first.ask("extend", seat=seat, lock_id="lock-a")["verdict"] == "EXTENDED"
    assert proxy.losses_to_come == 0
    assert TTL_MS < node.client.pttl(seat_key(FLIGHT, seat)) <= TTL_MS * 10
    seats.check([node], TTL_MS * 10, living=["lock-a"])
