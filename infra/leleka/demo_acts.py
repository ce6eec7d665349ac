"""What the demonstration shows. Believes nothing: whatever comes out otherwise than promised ends it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis
from rich.console import Console

from leleka import journey
from leleka.api_client import ApiClient
from leleka.api_types import Booking, BookingRequest, Claim
from leleka.journey import Ending, Journey
from leleka.stage import Stage
from leleka.terminal import CommandError

FLIGHT = "KBP-BCN-0615"
SEAT = "12A"
OTHER_SEAT = "12B"
PAID_SEAT = "12C"
EXPIRED_SEAT = "12D"
ROLLBACK = ["ReleaseBaggage", "ReleaseSeat", "CancelBooking"]
SHORT_HOLD_S = 5
_SAGA_TIMEOUT_S = 90.0
_LOCK_TIMEOUT_S = 2.0


class DemoFailed(CommandError):
    """Something came out otherwise than promised; the message says what."""


def show(
    stage: Stage, api: ApiClient, console: Console, shorten_holds: Callable[[], object]
) -> dict[str, str | list[str]]:
    """The bookings on a deployed and seeded stage; returns what came of each. ``shorten_holds`` deploys the stage with
    holds of ``SHORT_HOLD_S``.

    Raises:
        DemoFailed: an outcome differs.
        ApiError, FollowError, DeployError: a booking could not be made or followed, or the stage not changed.
    """
    acts = _Acts(stage, api, console)
    return {**acts.sell_refuse_undo(), **acts.hold_and_pay(), **acts.hold_and_expire(shorten_holds)}


def title(console: Console, text: str) -> None:
    """The heading of an act."""
    console.print(f"\n{text}", style="bold cyan")


@dataclass(frozen=True)
class _Acts:
    stage: Stage
    api: ApiClient
    console: Console

    def sell_refuse_undo(self) -> dict[str, str | list[str]]:
        """One seat sold, one customer refused, one booking rolled back."""
        title(self.console, f"1. Olena books seat {SEAT} with one bag; her card is good.")
        sold = self._book(SEAT, "Olena", "pm_approved")
        _expect(sold.booking.status, "CONFIRMED", "Olena's booking")

        title(self.console, f"2. Taras wants the same seat {SEAT}. It is sold, so he is refused, and nothing is kept.")
        refused = self._book(SEAT, "Taras", "pm_approved")
        _expect(refused.booking.status, "CANCELLED", "Taras's booking")
        _expect(refused.booking.reason, "SEAT_TAKEN", "the reason of the refusal")

        title(self.console, f"3. Ivan takes seat {OTHER_SEAT} and a bag, but the bank declines his card.")
        self.console.print(
            "   What was done so far is undone in reverse: the bag, the seat with its lock, booking last."
        )
        undone = self._book(OTHER_SEAT, "Ivan", "pm_declined")
        _expect(undone.booking.status, "CANCELLED", "Ivan's booking")
        _expect(undone.timeline.rolled_back, ROLLBACK, "the rollback in the execution history")

        title(self.console, f"4. Seat {OTHER_SEAT} is free for the next customer.")
        self._show_seats(sold=SEAT, free=OTHER_SEAT)
        return {
            "confirmed": sold.booking.booking_id,
            "refused": refused.booking.booking_id,
            "rolled_back": undone.timeline.rolled_back,
        }

    def hold_and_pay(self) -> dict[str, str]:
        """A seat that is held until its customer has found the card."""
        title(self.console, f"5. Sofiia books seat {PAID_SEAT} and has no card at hand: the saga waits, then she pays.")
        paid = self._hold(PAID_SEAT, "Sofiia", pay=True)
        _expect(paid.booking.status, "CONFIRMED", "Sofiia's booking")
        return {"paid_hold": paid.booking.booking_id}

    def hold_and_expire(self, shorten_holds: Callable[[], object]) -> dict[str, str]:
        """A seat whose customer never pays."""
        title(self.console, f"6. Marko books seat {EXPIRED_SEAT} and never pays.")
        self.console.print(f"   deploying the stage anew, with holds of {SHORT_HOLD_S} seconds instead of 15 minutes")
        shorten_holds()
        expired = self._hold(EXPIRED_SEAT, "Marko", pay=False)
        _expect(expired.booking.status, "CANCELLED", "Marko's booking")
        _expect(expired.booking.reason, "HOLD_EXPIRED", "the reason of Marko's cancellation")
        self._show_seats(sold=PAID_SEAT, free=EXPIRED_SEAT)
        return {"expired_hold": expired.booking.booking_id}

    def _book(self, seat: str, name: str, payment_method: str) -> Ending:
        ending = self._journey(seat, name, payment_method).watch()
        self.console.print(f"   {journey.summary(ending)}", style="bold", soft_wrap=True)
        return ending

    def _hold(self, seat: str, name: str, *, pay: bool) -> Ending:
        following = self._journey(seat, name, None)
        held: list[Booking] = []
        longest = timedelta(days=1) if pay else timedelta(seconds=SHORT_HOLD_S)

        def on_held(booking: Booking) -> None:
            held.append(booking)
            _expect(booking.status, "AWAITING_PAYMENT", f"{name}'s booking")
            _expect(booking.hold_expires_at is not None, True, "that the hold has an end")
            self.console.print(f"   {booking.status} until {booking.hold_expires_at:%H:%M:%S} UTC", style="bold")
            # Otherwise a deployment without effect would show as a quarter of an hour without an end.
            in_time = booking.hold_expires_at is not None and booking.hold_expires_at - datetime.now(UTC) <= longest
            _expect(in_time, True, f"that {name}'s hold ends within {longest}")
            if pay:
                self.api.pay(following.claim, "pm_approved")

        ending = following.watch(on_held)
        self.console.print(f"   {journey.summary(ending)}", style="bold", soft_wrap=True)
        _expect(len(held), 1, f"the number of times that {name}'s booking waited")
        return ending

    def _journey(self, seat: str, name: str, payment_method: str | None) -> Journey:
        request = BookingRequest(FLIGHT, seat, name, f"{name.lower()}@example.com", 1, payment_method)
        booking = self.api.book(request, str(uuid.uuid4()))
        claim = Claim(booking.booking_id, booking.secret)
        return Journey(self.stage, self.api, claim, booking.booking_id, _SAGA_TIMEOUT_S, self.console)

    def _show_seats(self, *, sold: str, free: str) -> None:
        status = {seat.seat: seat.status for seat in self.api.seats(FLIGHT)}
        key = f"seat:{FLIGHT}:{free}:lock"
        owner = _lock_owner(self.stage.lock_url_here, key)
        self.console.print(f"   seat map: {sold} is {status.get(sold)}, {free} is {status.get(free)}")
        self.console.print(f"   lock {key}: {'held' if owner else 'not there'}", soft_wrap=True)
        _expect(status.get(sold), "SOLD", f"seat {sold}")
        _expect(status.get(free), "AVAILABLE", f"seat {free}")
        _expect(owner, None, f"the lock of seat {free}")


def _lock_owner(lock_url: str, key: str) -> object:
    try:
        with redis.Redis.from_url(
            lock_url, socket_timeout=_LOCK_TIMEOUT_S, socket_connect_timeout=_LOCK_TIMEOUT_S
        ) as client:
            return client.get(key)
    except redis.RedisError as error:
        raise DemoFailed(f"the lock server did not answer: {error}") from error


def _expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise DemoFailed(f"{what} should be {wanted} and is {found}")
