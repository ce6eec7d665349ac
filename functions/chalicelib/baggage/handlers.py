"""Lambda entry points of the baggage service."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.baggage import logic
from chalicelib.baggage.models import BaggageReservation, ReleaseBaggageCommand, ReserveBaggageCommand
from chalicelib.shared.step import step

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="ReserveBaggage")
@step(ReserveBaggageCommand)
def reserve_baggage(command: ReserveBaggageCommand) -> BaggageReservation:
    """T4."""
    return logic.reserve_baggage(command, bootstrap.baggage_store())


@blueprint.lambda_function(name="ReleaseBaggage")
@step(ReleaseBaggageCommand)
def release_baggage(command: ReleaseBaggageCommand) -> dict[str, Any]:
    """C3."""
    return {"released_bags": logic.release_baggage(command.booking_id, bootstrap.baggage_store())}
