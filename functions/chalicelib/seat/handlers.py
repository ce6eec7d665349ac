"""Lambda entry points of the seat service."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.seat import logic
from chalicelib.seat.models import (
    ConfirmSeatCommand,
    ReleaseSeatCommand,
    RenewSeatLockCommand,
    ReserveSeatCommand,
    SeatHold,
    SeatMap,
    SeatMapQuery,
)
from chalicelib.shared.clock import system_clock
from chalicelib.shared.due import DueQuery, DueRows
from chalicelib.shared.step import step

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="ReserveSeat")
@step(ReserveSeatCommand)
def reserve_seat(command: ReserveSeatCommand) -> SeatHold:
    """T3. Lock, then hold."""
    hold_ttl_s = bootstrap.seat_config().hold_ttl_s
    return logic.reserve_seat(command, bootstrap.seat_store(), bootstrap.seat_lock(), system_clock, hold_ttl_s)


@blueprint.lambda_function(name="RenewSeatLock")
@step(RenewSeatLockCommand)
def renew_seat_lock(command: RenewSeatLockCommand) -> dict[str, Any]:
    """The watchdog's tick."""
    config = bootstrap.seat_config()
    held_until_s = logic.renew_seat_lock(command, bootstrap.seat_store(), bootstrap.seat_lock(), system_clock, config)
    return {"held_until_s": held_until_s}


@blueprint.lambda_function(name="ConfirmSeat")
@step(ConfirmSeatCommand)
def confirm_seat(command: ConfirmSeatCommand) -> dict[str, Any]:
    """T7. Sell, then unlock."""
    logic.confirm_seat(command, bootstrap.seat_store(), bootstrap.seat_lock(), system_clock)
    return {"seat": command.seat, "status": "SOLD"}


@blueprint.lambda_function(name="ReleaseSeat")
@step(ReleaseSeatCommand)
def release_seat(command: ReleaseSeatCommand) -> dict[str, Any]:
    """C2. Release, then unlock."""
    released = logic.release_seat(command, bootstrap.seat_store(), bootstrap.seat_lock())
    return {"seat": command.seat, "released": released}


@blueprint.lambda_function(name="DueHolds")
@step(DueQuery)
def due_holds(query: DueQuery) -> DueRows:
    """Holds that somebody has to look at again, for the reconciler; releases the locks that are left."""
    return logic.due_holds(query, bootstrap.seat_store(), bootstrap.seat_lock(), system_clock)


@blueprint.lambda_function(name="GetSeatMap")
@step(SeatMapQuery)
def get_seat_map(query: SeatMapQuery) -> SeatMap:
    """The seats of a flight, for the API."""
    return logic.seat_map(query.flight_id, bootstrap.seat_store(), system_clock)
