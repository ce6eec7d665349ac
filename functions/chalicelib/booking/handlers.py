"""Lambda entry points of the booking service."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.booking import logic
from chalicelib.booking.models import (
    Booking,
    BookingTicket,
    CancelBookingCommand,
    ConfirmBookingCommand,
    CreateBookingCommand,
    FlagBookingCommand,
    GetBookingQuery,
    PlaceBookingCommand,
)
from chalicelib.shared.clock import system_clock
from chalicelib.shared.step import step

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="PlaceBooking")
@step(PlaceBookingCommand)
def place_booking(command: PlaceBookingCommand) -> Booking:
    """Keeps a request, for the API, before the saga starts."""
    return logic.place_booking(command, bootstrap.booking_store(), system_clock)


@blueprint.lambda_function(name="CreateBooking")
@step(CreateBookingCommand)
def create_booking(command: CreateBookingCommand) -> BookingTicket:
    """T1."""
    return logic.create_booking(command.booking_id, bootstrap.booking_store())


@blueprint.lambda_function(name="ConfirmBooking")
@step(ConfirmBookingCommand)
def confirm_booking(command: ConfirmBookingCommand) -> dict[str, Any]:
    """T8."""
    return {"status": logic.confirm_booking(command, bootstrap.booking_store()).status}


@blueprint.lambda_function(name="CancelBooking")
@step(CancelBookingCommand)
def cancel_booking(command: CancelBookingCommand) -> dict[str, Any]:
    """C1."""
    return {"cancelled": logic.cancel_booking(command, bootstrap.booking_store())}


@blueprint.lambda_function(name="FlagBooking")
@step(FlagBookingCommand)
def flag_booking(command: FlagBookingCommand) -> dict[str, Any]:
    """After the last compensation, when one of them could not be carried out."""
    logic.flag_booking(command, bootstrap.booking_store())
    return {"flagged": True}


@blueprint.lambda_function(name="GetBooking")
@step(GetBookingQuery)
def get_booking(query: GetBookingQuery) -> Booking:
    """One booking, for the API and the notification service."""
    return logic.get_booking(query.booking_id, bootstrap.booking_store())
