"""A bot that never pays, with one address and as many e-mail addresses as it likes, against everybody else."""

import os
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from chalicelib.shared.errors import SeatCoolingDown, TryLater
from tests.fakes import FakeClock
from tests.unit.placing_world import COOLDOWN_S, TTL_S
from tests.unit.sale_world import Hold, Sale

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SEED = int(os.environ.get("BOT_SEED") or random.randrange(2**32))
SEATS = [f"{row}{letter}" for row in (1, 2) for letter in "ABCDE"]
"""One more than may be held at a time."""
ROUND_S = 2 * TTL_S + COOLDOWN_S
"""As long as a bot can have one seat, and then has to leave it alone."""
ROUNDS = 3
OTHERS_COME_EVERY_S = 90
"""Often enough for all of them: while one seat is free they come more often than all other seats can keep them."""

HABITS = {
    "holds again in the last second": [TTL_S - 1],
    "does anything": [TTL_S // 2, TTL_S - 1, TTL_S],
}
"""After how many seconds it lets go of a seat, and takes it again if it may."""


class Bot:
    """Holds whatever it can, as soon as it can: it remembers when it was told to come again, and when its holds end."""

    def __init__(self, sale: Sale, rng: random.Random, habit: list[int]) -> None:
        self._sale, self._rng, self._habit = sale, rng, habit
        self.held: dict[str, tuple[Hold, int]] = {}
        self._not_before_s: Counter[str] = Counter()

    def act(self) -> None:
        """Lets go of what it has had for long enough, then takes what it can get."""
        now_s = self._sale.clock()
        for seat, (hold, until_s) in list(self.held.items()):
            if until_s <= now_s:
                self._sale.end(hold)
                del self.held[seat]
        wanted = sorted(seat for seat in self._sale.free() if self._not_before_s[seat] <= now_s)
        for seat in self._rng.sample(wanted, len(wanted)):
            self._try_to_take(seat, now_s)

    def acts_next_s(self) -> int:
        """When something ends that it waits for."""
        now_s = self._sale.clock()
        times = [until_s for _, until_s in self.held.values()] + list(self._not_before_s.values())
        return min((time_s for time_s in times if time_s > now_s), default=now_s + TTL_S)

    def _try_to_take(self, seat: str, now_s: int) -> None:
        email = f"bot-{self._rng.randrange(10**9)}@example.com"
        try:
            hold = self._sale.hold(seat, email, "198.51.100.66")
        except SeatCoolingDown as refused:
            self._not_before_s[seat] = now_s + refused.retry_after_s
        except TryLater:
            return  # it holds nine
        else:
            assert hold, "a seat that is free was another's"
            self.held[seat] = (hold, now_s + self._rng.choice(self._habit))


class Watch:
    """How long each seat was free, and for how long in one go it was not."""

    def __init__(self) -> None:
        self.free_s, self.taken_longest_s = Counter[str](), Counter[str]()
        self._taken_s = Counter[str]()

    def see(self, free: set[str], lasts_s: int) -> None:
        """These seats are free, and nothing happens for so long."""
        for seat in SEATS:
            if seat in free:
                self.free_s[seat] += lasts_s
                self._taken_s[seat] = 0
            else:
                self._taken_s[seat] += lasts_s
                self.taken_longest_s[seat] = max(self.taken_longest_s[seat], self._taken_s[seat])


@pytest.mark.parametrize("habit", HABITS)
def test_a_bot_cannot_keep_an_aircraft_held(
    dynamodb: "DynamoDBClient",
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    habit: str,
) -> None:
    """For hours: never more than nine seats at a time, none for longer than two holds in a row, each is free for a
    third of the time, and others get each again and again. A failure names its seed; BOT_SEED repeats that run."""
    with capsys.disabled():
        print(f" [BOT_SEED={SEED}]", end="")  # noqa: T201 - the seed is wanted whenever this test runs
    sale = Sale(dynamodb, clock, SEATS, monkeypatch)
    bot = Bot(sale, random.Random(f"{SEED}/{habit}"), HABITS[habit])
    watch, others_got = Watch(), Counter[str]()
    others_come_s, end_s = clock(), clock() + ROUNDS * ROUND_S
    while clock() < end_s:
        bot.act()
        free = sale.free()
        assert len(SEATS) - len(free) == len(bot.held) <= 9, "the bot holds more than nine seats"
        if clock() >= others_come_s:
            others_come_s += OTHERS_COME_EVERY_S
            others_got[_somebody_else_comes(sale, free, others_got)] += 1
        next_s = min(bot.acts_next_s(), others_come_s, end_s)
        watch.see(free, next_s - clock())
        clock.now_s = next_s
    assert max(watch.taken_longest_s.values()) <= 2 * TTL_S
    assert min(watch.free_s[seat] for seat in SEATS) >= (ROUNDS - 1) * COOLDOWN_S
    assert min(others_got[seat] for seat in SEATS) >= ROUNDS - 1


def _somebody_else_comes(sale: Sale, free: set[str], got: Counter[str]) -> str:
    """Takes the free seat that others have had least often, and gives it back at once; the seat."""
    seat = min(sorted(free), key=lambda each: got[each])
    number = got.total()
    hold = sale.hold(seat, f"other-{number}@example.com", f"10.0.{number // 250}.{number % 250}")
    assert hold, "a seat that is free was another's"
    sale.end(hold)
    return seat
