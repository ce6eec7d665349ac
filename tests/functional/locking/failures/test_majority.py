"""Nodes that die, forget or lose a reply: a majority has the lock or nobody, and the minority keeps nothing."""

import pytest

from chalicelib.locking import seat_key
from tests.functional.locking.failures.paths import TTL_MS, Paths, open_redlock
from tests.functional.locking.holders import Refused, Worker
from tests.functional.locking.proxy import RELEASES
from tests.functional.locking.seat_worker import FLIGHT, lock_of
from tests.functional.locking.seats import Seats, wait_until_free
from tests.functional.locking.topologies import Node

pytestmark = pytest.mark.stack
BOTH_ORDERS = pytest.mark.parametrize("lead_first", [True, False], ids=["lead first", "all at once"])


@BOTH_ORDERS
def test_two_of_five_dead_are_not_missed(
    five_nodes: list[Node], seats: Seats, seat: str, pair: list[Worker], lead_first: bool
) -> None:
    """One gets lock and seat, the other is refused by the lock; the dead ones include the lead."""
    first, second = pair
    for node in five_nodes[:2]:
        node.kill()
    open_redlock(pair, [node.url for node in five_nodes], lead_first=lead_first)
    assert first.ask("acquire", seat=seat, lock_id="lock-a")["verdict"] == "ACQUIRED"
    assert second.ask("acquire", seat=seat, lock_id="lock-b")["verdict"] == "HELD_BY_ANOTHER"
    assert first.ask("extend", seat=seat, lock_id="lock-a")["verdict"] == "EXTENDED"
    assert first.ask("release", seat=seat, lock_id="lock-a")["verdict"] == "RELEASED"
    assert first.reserve(seat, f"a-{seat}") == 1
    with pytest.raises(Refused, match="SeatTaken"):
        second.reserve(seat, f"b-{seat}")
    seats.check(five_nodes[2:], TTL_MS)


@BOTH_ORDERS
def test_three_of_five_dead_leave_the_seat_to_the_database(
    five_nodes: list[Node], seats: Seats, seat: str, pair: list[Worker], lead_first: bool
) -> None:
    """No majority, so nothing is known and nothing is left on the two that live; one holds the seat."""
    first, second = pair
    for node in five_nodes[1:4]:
        node.kill()
    living = [five_nodes[0], five_nodes[4]]
    open_redlock(pair, [node.url for node in five_nodes], lead_first=lead_first)
    answer = first.ask("acquire", seat=seat, lock_id="lock-a")
    assert (answer["verdict"], answer["trouble"]) == ("UNKNOWN", "NO_QUORUM")
    assert [node.client.exists(seat_key(FLIGHT, seat)) for node in living] == [0, 0]
    assert first.reserve(seat, f"a-{seat}") == 1
    with pytest.raises(Refused, match="SeatTaken"):
        second.reserve(seat, f"b-{seat}")
    assert [node.client.exists(seat_key(FLIGHT, seat)) for node in living] == [0, 0]
    seats.check(living, TTL_MS)


@pytest.mark.parametrize("forgetful", [0, 4], ids=["the lead", "the last"])
@BOTH_ORDERS
def test_a_node_that_was_restarted_empty_gives_no_second_lock(
    five_nodes: list[Node], seats: Seats, seat: str, pair: list[Worker], lead_first: bool, forgetful: int
) -> None:
    """Four remember the first; the fifth keeps nothing of the second."""
    first, second = pair
    open_redlock(pair, [node.url for node in five_nodes], lead_first=lead_first)
    assert first.ask("acquire", seat=seat, lock_id="lock-a")["verdict"] == "ACQUIRED"
    five_nodes[forgetful].restart()
    assert second.ask("acquire", seat=seat, lock_id="lock-b")["verdict"] == "HELD_BY_ANOTHER"
    assert first.ask("extend", seat=seat, lock_id="lock-a")["verdict"] == "EXTENDED"
    seats.check(five_nodes, TTL_MS, living=["lock-a"])


def test_a_lock_that_its_majority_forgot_does_not_sell_the_seat_twice(
    five_nodes: list[Node], seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """Three gave it; one of them forgets it, and the two that were dead are back: a second lock is given. The database
    refuses the second customer, and the first renews."""
    first, second = pair
    open_redlock(pair, [node.url for node in five_nodes], lead_first=False)
    for node in five_nodes[:2]:
        node.kill()
    number = first.reserve(seat, f"a-{seat}")
    for node in five_nodes[:3]:
        node.restart()
    assert second.ask("acquire", seat=seat, lock_id=lock_of(f"b-{seat}"))["verdict"] == "ACQUIRED"
    with pytest.raises(Refused, match="SeatTaken"):
        second.reserve(seat, f"b-{seat}")
    first.ask("renew", seat=seat, booking=f"a-{seat}", fencing_number=number)
    seats.check(five_nodes, TTL_MS)


def test_nodes_that_froze_do_what_came_late_and_keep_nothing(
    five_nodes: list[Node], seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """Three were frozen when the lock was asked for. Thawed, they carry out what lay before them, the release behind
    the acquire, and the next customer finds a free seat."""
    first, second = pair
    open_redlock(pair, [node.url for node in five_nodes], lead_first=True)
    assert first.ask("release", seat=seat, lock_id="nobody")["verdict"] == "EXPIRED"  # connected to all
    for node in five_nodes[2:]:
        node.freeze()
    assert first.ask("acquire", seat=seat, lock_id="lock-a")["verdict"] == "UNKNOWN"
    for node in five_nodes[2:]:
        node.thaw()
    for node in five_nodes:
        wait_until_free(node, seat, 1000)
    assert second.ask("acquire", seat=seat, lock_id="lock-b")["verdict"] == "ACQUIRED"
    seats.check(five_nodes, TTL_MS, living=["lock-b"])


@pytest.mark.parametrize("after", [False, True], ids=["never arrived", "its reply was lost"])
@BOTH_ORDERS
def test_a_release_that_is_cut_off_at_one_node_leaves_nothing_there(
    five_nodes: list[Node], paths: Paths, seats: Seats, pair: list[Worker], lead_first: bool, after: bool
) -> None:
    """Whichever node it is, the lead included: it is told again, and the next customer is not refused."""
    first, second = pair
    open_redlock([first], [proxy.url for proxy in paths.first], lead_first=lead_first)
    open_redlock([second], [node.url for node in five_nodes], lead_first=lead_first)
    for seat, proxy in zip(seats.fresh(5), paths.first, strict=True):
        assert first.ask("acquire", seat=seat, lock_id="lock-a")["verdict"] == "ACQUIRED"
        (proxy.lose_reply if after else proxy.cut_before)(*RELEASES)
        assert first.ask("release", seat=seat, lock_id="lock-a")["verdict"] == "RELEASED"
        assert proxy.losses_to_come == 0
        assert second.ask("acquire", seat=seat, lock_id="lock-b")["verdict"] == "ACQUIRED"
    seats.check(five_nodes, TTL_MS, living=["lock-b"])


@pytest.mark.parametrize("rival", [True, False], ids=["another has three", "three are dead"])
@BOTH_ORDERS
def test_a_lost_reply_where_there_is_no_majority_leaves_no_lock(
    five_nodes: list[Node], paths: Paths, seats: Seats, seat: str, pair: list[Worker], lead_first: bool, rival: bool
) -> None:
    """The node is asked again and names the very lock that this call has just set, which is no earlier one to be kept:
    it is undone with the others."""
    first, second = pair
    for node in five_nodes[3:]:
        node.kill()
    open_redlock(pair, [proxy.url for proxy in paths.first], lead_first=lead_first)
    if rival:
        assert second.ask("acquire", seat=seat, lock_id="lock-b")["verdict"] == "ACQUIRED"
    for node in five_nodes[3:]:
        node.restart()
    assert first.ask("release", seat=seat, lock_id="lock-a")["verdict"] in {"EXPIRED", "OWNED_BY_ANOTHER"}  # connected
    if not rival:
        for node in five_nodes[:3]:
            node.kill()
    paths.first[4].lose_reply("SET")
    expected = ("HELD_BY_ANOTHER", None) if rival else ("UNKNOWN", "NO_QUORUM")
    answer = first.ask("acquire", seat=seat, lock_id="lock-a")
    assert (answer["verdict"], answer["trouble"]) == expected
    assert [node.client.get(seat_key(FLIGHT, seat)) for node in five_nodes[3:]] == [None, None]
    seats.check(five_nodes if rival else five_nodes[3:], TTL_MS, living=["lock-b"])
