"""Clocks that jump: a holder's own, which a lock's validity doesn't depend on, and the server's, which ends locks."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.locking import seat_key
from leleka.stack.config import free_ports
from leleka.stack.servers import valkey_binary
from tests.functional.locking.holders import Refused, Worker
from tests.functional.locking.seat_worker import FLIGHT, lock_of
from tests.functional.locking.seats import Seats
from tests.functional.locking.topologies import Node, wait_until

pytestmark = pytest.mark.stack
TTL_MS = 60_000
DAY_S, HOUR_S = 86_400, 3600


class ClockNode(Node):
    """A server whose wall clock a test can put forward; its steady clock goes on as it is."""

    def __init__(self, folder: Path) -> None:
        (port,) = free_ports(1)
        self._clock = folder / "clock"
        self._set_clock(0)
        clock = {
            "LD_PRELOAD": str(_faketime_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        options = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "")
        command = ("/usr/bin/env", *(f"{name}={value}" for name, value in clock.items()), str(valkey_binary()))
        super().__init__(port, (*command, *options), folder / "log")

    def jump(self, by_s: int) -> None:
        """Its clock is ahead by so much from now on, and it has noticed."""
        self.client.set("not yet", "", ex=by_s)
        self._set_clock(by_s)
        wait_until(lambda: not self.client.exists("not yet"), "the server to look at its clock")

    def _set_clock(self, by_s: int) -> None:
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(f"+{by_s}")
        fresh.replace(self._clock)  # it reads the file at any moment


@pytest.fixture
def clock_node(tmp_path: Path) -> Iterator[ClockNode]:
    """A server with a clock of its own."""
    node = ClockNode(tmp_path)
    try:
        node.wait_until_up()
        yield node
    finally:
        node.end()


@pytest.mark.parametrize("by_s", [DAY_S, -DAY_S])
def test_a_holder_s_clock_may_jump(node: Node, seats: Seats, seat: str, pair: list[Worker], by_s: int) -> None:
    """Neither what it relies on nor the lock itself changes, and its watchdog goes on renewing."""
    first, second = pair
    first.open(node.url, 900)
    second.open(node.url, TTL_MS)
    assert first.ask("keep", seat=seat, lock_id="lock-a")["verdict"] == "ACQUIRED"
    first.ask("shift_clock", by_s=by_s)
    node.forget_calls()
    wait_until(lambda: node.calls().get("set", 0) >= 4, "four renewals, one every third of the lifetime")
    assert first.ask("kept") is None
    answer = first.ask("extend", seat=seat, lock_id="lock-a")
    assert answer["verdict"] == "EXTENDED"
    assert 0 < answer["valid_for_ms"] < 900
    assert second.ask("acquire", seat=seat, lock_id="lock-b")["verdict"] == "HELD_BY_ANOTHER"
    seats.check([node], 900, living=["lock-a"])


def test_a_customer_a_day_ahead_can_take_the_seat_but_not_share_it(
    node: Node, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """To a wrong clock the hold is over. Without the lock it takes the seat, with the next fencing number: the first
    can't confirm any more."""
    first, second = pair
    first.open(node.url, TTL_MS)
    second.open(node.url, TTL_MS)
    number = first.reserve(seat, f"a-{seat}")
    second.ask("shift_clock", by_s=DAY_S)
    with pytest.raises(Refused, match="SeatTaken"):
        second.reserve(seat, f"b-{seat}")
    second.open("none:", TTL_MS)
    second.ask("shift_clock", by_s=DAY_S)
    assert second.reserve(seat, f"c-{seat}") == number + 1
    with pytest.raises(Refused, match="HoldLost"):
        first.ask("confirm", seat=seat, booking=f"a-{seat}", fencing_number=number)
    first.ask("give_back", seat=seat, booking=f"a-{seat}")
    seats.check([node], TTL_MS)


def test_a_server_s_clock_that_jumps_ends_the_lock_and_not_the_hold(
    clock_node: ClockNode, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """The lock is gone early and another gets it; the database refuses the other, who gives it back, and the first
    confirms."""
    first, second = pair
    for holder in pair:
        holder.open(clock_node.url, TTL_MS)
    number = first.reserve(seat, f"a-{seat}")
    clock_node.jump(HOUR_S)
    assert second.ask("acquire", seat=seat, lock_id=lock_of(f"b-{seat}"))["verdict"] == "ACQUIRED"
    with pytest.raises(Refused, match="SeatTaken"):
        second.reserve(seat, f"b-{seat}")
    assert not clock_node.client.exists(seat_key(FLIGHT, seat))
    first.ask("confirm", seat=seat, booking=f"a-{seat}", fencing_number=number)
    seats.check([clock_node], TTL_MS)


def test_a_server_s_clock_that_jumps_before_the_write_costs_the_first_the_seat(
    clock_node: ClockNode, seats: Seats, seat: str, pair: list[Worker]
) -> None:
    """The first has its lock and no hold yet; the second gets both, and the first's write is refused."""
    first, second = pair
    for holder in pair:
        holder.open(clock_node.url, TTL_MS)
    first.tell("reserve", seat=seat, booking=f"a-{seat}", pause=True)
    first.event("before the write")
    clock_node.jump(HOUR_S)
    assert second.reserve(seat, f"b-{seat}") == 1
    first.go_on()
    with pytest.raises(Refused, match="SeatTaken"):
        first.reserved()
    assert clock_node.client.get(seat_key(FLIGHT, seat)) == lock_of(f"b-{seat}").encode()
    seats.check([clock_node], TTL_MS)


def _faketime_library() -> Path:
    """What the libfaketime package brings to be loaded before a program."""
    package = importlib.util.find_spec("libfaketime")
    origin = package.origin if package else None
    assert origin, "the package libfaketime is missing; run: make setup"
    return Path(origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
