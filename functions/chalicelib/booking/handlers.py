"""Lambda entry points of the booking service."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.booking import logic, payment_wait
from chalicelib.booking.access import own_booking
from chalicelib.booking.models import (
    AwaitPaymentMethodCommand,
    Booking,
    BookingTicket,
    CancelBookingCommand,
    Cancellation,
    ConfirmBookingCommand,
    CreateBookingCommand,
    DescribeBookingQuery,
    FlagBookingCommand,
    GetBookingQuery,
    RequestCancellationCommand,
    SupplyPaymentMethodCommand,
    TakePaymentMethodCommand,
)
from chalicelib.shared.clock import system_clock
from chalicelib.shared.due import DueQuery, DueRows
from chalicelib.shared.step import step

blueprint = Blueprint(__name__)


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


@blueprint.lambda_function(name="AwaitPaymentMethod")
@step(AwaitPaymentMethodCommand)
def await_payment_method(command: AwaitPaymentMethodCommand) -> dict[str, Any]:
    """The saga's wait begins."""
    payment_wait.await_payment_method(command, bootstrap.booking_store(), bootstrap.task_replies())
    return {"awaiting": True}


@blueprint.lambda_function(name="TakePaymentMethod")
@step(TakePaymentMethodCommand)
def take_payment_method(command: TakePaymentMethodCommand) -> str:
    """The saga goes on with the customer's answer."""
    return payment_wait.take_payment_method(command.booking_id, bootstrap.booking_store())


@blueprint.lambda_function(name="SupplyPaymentMethod")
@step(SupplyPaymentMethodCommand)
def supply_payment_method(command: SupplyPaymentMethodCommand) -> Booking:
    """The saga's wait ends, for the API."""
    store, replies = bootstrap.booking_store(), bootstrap.task_replies()
    return logic.booking_of(payment_wait.supply_payment_method(command, store, replies, system_clock))


@blueprint.lambda_function(name="RequestCancellation")
@step(RequestCancellationCommand)
def request_cancellation(command: RequestCancellationCommand) -> Cancellation:
    """What a wish to cancel means for this booking, for the API."""
    return logic.request_cancellation(command, bootstrap.booking_store(), bootstrap.task_replies())


@blueprint.lambda_function(name="GetBooking")
@step(GetBookingQuery)
def get_booking(query: GetBookingQuery) -> Booking:
    """One booking, for its customer."""
    return logic.booking_of(own_booking(query.ref, query.secret, bootstrap.booking_store()))


@blueprint.lambda_function(name="DescribeBooking")
@step(DescribeBookingQuery)
def describe_booking(query: DescribeBookingQuery) -> Booking:
    """One booking, for our own services."""
    return logic.describe_booking(query.booking_id, bootstrap.booking_store())


@blueprint.lambda_function(name="DueBookings")
@step(DueQuery)
def due_bookings(query: DueQuery) -> DueRows:
    """Bookings that somebody has to look at again, for the reconciler."""
    return bootstrap.booking_store().due.answer(query, system_clock)
