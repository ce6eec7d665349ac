"""What the seat service promises: a lock first, because it is quick; a conditional write always, because it decides."""

import time
from collections.abc import Callable

import msgspec

from chalicelib.locking import Acquisition, Extension, SeatLock, seat_key
from chalicelib.seat.models import (
    ConfirmSeatCommand,
    LockedSeat,
    ReleaseSeatCommand,
    RenewSeatLockCommand,
    ReserveSeatCommand,
    SeatConfig,
    SeatHold,
    SeatMap,
    SeatStatus,
    SeatView,
)
from chalicelib.seat.store import SeatStore
from chalicelib.shared import metrics
from chalicelib.shared.clock import Clock
from chalicelib.shared.due import DueQuery, DueRows
from chalicelib.shared.dynamo import Item
from chalicelib.shared.errors import FlightNotFound, HoldLost, Refusal, SeatTaken
from chalicelib.shared.ledger import LedgerState

_LOOKS_AT_LOST_LOCK = 3
_LOOK_AGAIN_AFTER_S = 0.2


def reserve_seat(
    command: ReserveSeatCommand, store: SeatStore, lock: SeatLock, clock: Clock, hold_ttl_s: int
) -> SeatHold:
    """Holds the seat for ``hold_ttl_s`` seconds.

    Raises:
        SeatTaken, SeatNotFound, AlreadyCompensated: nothing is held, and the lock is not left behind.
        StoreBusy: no verdict; the step may be repeated.
    """
    verdict = lock.acquire(seat_key(command.flight_id, command.seat), command.lock_id).verdict
    if verdict is Acquisition.HELD_BY_ANOTHER:
        # An earlier attempt may have held the seat and lost its lock since: a refusal would leave that hold behind.
        held = store.existing_hold(command.booking_id, command.flight_id, command.seat) if command.attempt else None
        if held:
            return _with_time_outs(held, hold_ttl_s)
        _close_behind(command, store)
        if command.attempt:  # one node may refuse a lock that an earlier attempt of ours has on a majority
            _unlock(command, store, lock)
        raise SeatTaken(f"seat {command.seat} of {command.flight_id} is being booked by another customer")
    # An UNKNOWN goes on: without the lock the database decides alone.
    now_s = clock()
    try:
        held = store.hold(
            booking_id=command.booking_id,
            lock_id=command.lock_id,
            flight_id=command.flight_id,
            seat=command.seat,
            held_until_s=now_s + hold_ttl_s,
            now_s=now_s,
        )
        return _with_time_outs(held, hold_ttl_s)
    except Refusal:
        _close_behind(command, store)
        if not _released(command, lock):
            store.release(command.booking_id)  # leaves a row, if there is none, that says what is left
            _leave_lock(command, store, lock)
        raise


def renew_seat_lock(
    command: RenewSeatLockCommand,
    store: SeatStore,
    lock: SeatLock,
    clock: Clock,
    config: SeatConfig,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Extends lock and hold together by the full time, and returns the hold's new end in seconds.

    Raises:
        HoldLost: lock or hold is not this booking's any more; the saga must not go on.
        HoldLimitReached: the hold is as old as a hold may become.
        StoreBusy: no verdict; the step may be repeated.
    """
    if _lost(command, lock, pause):
        raise HoldLost(f"the lock of seat {command.seat} was lost; nothing was extended")
    now_s = clock()
    held_until_s = now_s + config.hold_ttl_s
    try:
        store.renew(
            lock_id=command.lock_id,
            flight_id=command.flight_id,
            seat=command.seat,
            fencing_number=command.fencing_number,
            held_until_s=held_until_s,
            limits=(now_s, now_s - config.hold_total_s),
        )
    except HoldLost:
        # The lock may be of this step's making, and after a late step of a saga that is over nobody releases it.
        _unlock(command, store, lock)
        raise
    return held_until_s


def confirm_seat(command: ConfirmSeatCommand, store: SeatStore, lock: SeatLock, clock: Clock) -> None:
    """Sells the seat, then unlocks it; a sold seat needs no lock any more.

    Raises:
        HoldLost: the hold is over or another's; nothing was sold.
        StoreBusy: no verdict; the step may be repeated.
    """
    store.confirm(
        booking_id=command.booking_id,
        lock_id=command.lock_id,
        flight_id=command.flight_id,
        seat=command.seat,
        fencing_number=command.fencing_number,
        now_s=clock(),
    )
    _unlock(command, store, lock)


def release_seat(command: ReleaseSeatCommand, store: SeatStore, lock: SeatLock) -> bool:
    """Gives the seat back and ends the lock; true if a seat came free. Does nothing where there is nothing."""
    # The seat goes first: were the lock gone while the item still said HELD, the next customer would get
    # past the lock only to be refused by the database.
    released = store.release(command.booking_id)
    if released:
        metrics.count("Compensations", step="ReleaseSeat")
    _unlock(command, store, lock)
    return released


def due_holds(query: DueQuery, store: SeatStore, lock: SeatLock, clock: Clock) -> DueRows:
    """The holds that somebody has to look at again. Locks that are left are released here: a row that isn't HELD has
    sold its seat or given it back, so its lock protects nothing.

    Raises:
        StoreBusy: no verdict; the same may be asked again.
    """
    items = store.due.items(query, clock)
    for item in items:
        if item["state"] != LedgerState.HELD and (
            item["lock_ends_s"] <= clock() or _is_released(lock, item["flight_id"], item["seat"], item["lock_id"])
        ):
            store.due.done(store.due.row_of(item))
    return DueRows([store.due.row_of(item) for item in items if item["state"] == LedgerState.HELD])


def seat_map(flight_id: str, store: SeatStore, clock: Clock) -> SeatMap:
    """The seats of the flight as the sale sees them now.

    Raises:
        FlightNotFound: no seat is known for that flight.
    """
    items = store.seats_of(flight_id)
    if not items:
        raise FlightNotFound(f"there is no flight {flight_id}")
    now_s = clock()
    seats = sorted((_view(item, now_s) for item in items), key=lambda view: (view.row, view.letter))
    return SeatMap(flight_id=flight_id, seats=seats)


def _with_time_outs(hold: SeatHold, ttl_s: int) -> SeatHold:
    return msgspec.structs.replace(hold, ttl_s=ttl_s, renew_every_s=max(1, ttl_s // 3))


def _view(item: Item, now_s: int) -> SeatView:
    status = SeatStatus(item["status"])
    if status is SeatStatus.HELD and item["held_until_s"] <= now_s:
        status = SeatStatus.AVAILABLE
    return SeatView(
        seat=item["seat"],
        row=item["row"],
        letter=item["letter"],
        cabin=item["cabin"],
        position=item["position"],
        exit_row=item["exit_row"],
        status=status,
    )


def _lost(command: RenewSeatLockCommand, lock: SeatLock, pause: Callable[[float], None]) -> bool:
    """Whether the lock is another's, and stays so. After a restart of its server a customer whom the database is about
    to refuse may have it for a moment."""
    for look in range(_LOOKS_AT_LOST_LOCK):
        if not _is_anothers(command, lock):
            return False
        if look + 1 < _LOOKS_AT_LOST_LOCK:
            pause(_LOOK_AGAIN_AFTER_S)
    return True


def _is_anothers(command: RenewSeatLockCommand, lock: SeatLock) -> bool:
    """Extends the lock if it is ours. One that is merely gone, because its server was restarted or could not be reached
    when the seat was held, is taken again: the hold in the database is what decides."""
    key = seat_key(command.flight_id, command.seat)
    match lock.extend(key, command.lock_id).verdict:
        case Extension.OWNED_BY_ANOTHER:
            return True
        case Extension.EXPIRED:
            return lock.acquire(key, command.lock_id).verdict is Acquisition.HELD_BY_ANOTHER
        case _:
            return False


def _close_behind(command: ReserveSeatCommand, store: SeatStore) -> None:
    """A refusal is not compensated. If an earlier attempt is still on its way, it must find the door closed."""
    if command.attempt:
        store.release(command.booking_id)


def _unlock(command: LockedSeat, store: SeatStore, lock: SeatLock) -> None:
    # Whatever the lock says, the seat is settled; a lock that could not be ended is ended later.
    if not _released(command, lock):
        _leave_lock(command, store, lock)


def _released(command: LockedSeat, lock: SeatLock) -> bool:
    return _is_released(lock, command.flight_id, command.seat, command.lock_id)


def _is_released(lock: SeatLock, flight_id: str, seat: str, lock_id: str) -> bool:
    return lock.release(seat_key(flight_id, seat), lock_id).trouble is None


def _leave_lock(command: LockedSeat, store: SeatStore, lock: SeatLock) -> None:
    store.leave_lock(
        command.booking_id,
        lock_id=command.lock_id,
        flight_id=command.flight_id,
        seat=command.seat,
        ttl_ms=lock.ttl_ms,
    )
