"""Keeping a request: one booking for one Idempotency-Key, within what its customer and its source may hold.

The first attempt supposes that neither has held anything lately, which is so for nearly everybody: it reads nothing.
Where it is not so, DynamoDB refuses the transaction and hands back the rows as they stand, and the next attempt is made
from those. Of two that are in each other's way one gets the other's row back. So of any number at once no more get
through than may, and an attempt that was lost to another means that the other has got through.
"""

import random
import secrets
import time

from chalicelib.booking import hold_limits
from chalicelib.booking.hold_limits import Holder, Wish
from chalicelib.booking.logic import booking_of
from chalicelib.booking.models import Booking, BookingStatus, HoldLimits, PlaceBookingCommand
from chalicelib.booking.placing_store import HolderRow, PlacingStore, holder_row
from chalicelib.shared.clock import Clock
from chalicelib.shared.dynamo import ConditionFailed, Item
from chalicelib.shared.errors import IdempotencyKeyReused, StoreBusy, TryLater

_REQUEST_TTL_S = 86_400
_LOCATOR_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, 1, I and O
_ATTEMPTS = 24  # more than can be lost to others, who may hold nine each under the customer's and the source's name
_BUDGET_S = 2.0
_PAUSE_S_MAX = 0.05


def place_booking(command: PlaceBookingCommand, store: PlacingStore, limits: HoldLimits, clock: Clock) -> Booking:
    """Keeps the request and mints the secret of its lock. The same request again gets what the first one made, whatever
    its customer holds by then.

    Raises:
        IdempotencyKeyReused: the id stands for another request; nothing was written.
        TryLater: customer or source holds too much, or has held this seat too long; nothing was written.
        StoreBusy: no verdict; the call may be repeated.
    """
    standing = _Placing(command, store, limits, clock()).run()
    if standing["request_hash"] != command.request_hash:
        raise IdempotencyKeyReused("this Idempotency-Key was used with another request; use a new key")
    return booking_of(standing)


class _Placing:
    """One request on its way, and what has been seen of the rows that it writes."""

    def __init__(self, command: PlaceBookingCommand, store: PlacingStore, limits: HoldLimits, now_s: int) -> None:
        self._command = command
        self._store = store
        self._limits = limits
        self._wish = Wish(command.booking_id, f"{command.flight_id}#{command.seat}", now_s)
        self._holders = hold_limits.holders_of(command.passenger.email, command.source, limits)
        self._rows = [HolderRow(holder.key, {}) for holder in self._holders]
        self._standing: Item | None = None

    def run(self) -> Item:
        """The booking that stands for the request from now on."""
        until_s = time.monotonic() + _BUDGET_S
        for _ in range(_ATTEMPTS):
            try:
                return self._write([self._claim(*each) for each in zip(self._holders, self._rows, strict=True)])
            except TryLater:
                standing = self._standing or self._store.find(self._command.booking_id)
                if standing is None or self._must_claim_again(standing):
                    raise
                return standing
            except ConditionFailed as refused:
                self._learn(refused)
                if self._standing is not None and not self._must_claim_again(self._standing):
                    return self._standing
            except StoreBusy:
                if time.monotonic() >= until_s:
                    raise
                time.sleep(random.uniform(0, _PAUSE_S_MAX))  # noqa: S311 - spreads those that are in each other's way
        raise StoreBusy(f"the request was in others' way {_ATTEMPTS} times; nothing was kept; ask again")

    def _claim(self, holder: Holder, row: HolderRow) -> HolderRow:
        """The row with this request's claim. Who seems to hold too much is looked at before it is refused."""
        try:
            claims = hold_limits.claimed(holder, row.claims, self._wish, self._limits)
        except TryLater:
            seen = self._store.look(hold_limits.open_claims(row.claims))
            claims = hold_limits.claimed(holder, row.claims, self._wish, self._limits, seen)
        return HolderRow(row.key, claims, row.version)

    def _write(self, rows: list[HolderRow]) -> Item:
        now_s, keep_s = self._wish.now_s, self._limits.keep_s
        if self._standing is not None:
            return self._store.claim_again(self._standing, rows, now_s, keep_s)
        details: Item = {
            "record_locator": "".join(secrets.choice(_LOCATOR_ALPHABET) for _ in range(6)),
            "lock_id": secrets.token_hex(16),
            "created_at_s": now_s,
            "claimed_at_s": now_s,
            "expires_at_s": now_s + _REQUEST_TTL_S,
        }
        return self._store.keep(self._command, details, rows, keep_s)

    def _learn(self, refused: ConditionFailed) -> None:
        """What stands where the conditions failed; the booking is the first, the holders are the last two."""
        if refused.failed[0]:
            self._standing = refused.items[0]
        for at, holder in enumerate(self._holders, start=-len(self._holders)):
            if refused.failed[at]:
                self._rows[at] = holder_row(holder.key, refused.items[at])

    def _must_claim_again(self, standing: Item) -> bool:
        """Whether a request whose saga never began was kept so long ago that its claims would end before its hold."""
        if standing["status"] != BookingStatus.REQUESTED or standing["request_hash"] != self._command.request_hash:
            return False
        return bool(self._wish.now_s > standing["claimed_at_s"] + self._limits.grace_s)
