"""Lambda entry points of the pricing service."""

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.pricing import logic
from chalicelib.pricing.models import CalculatePriceCommand, FareList, FaresQuery, Price
from chalicelib.shared.step import step

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="CalculatePrice")
@step(CalculatePriceCommand)
def calculate_price(command: CalculatePriceCommand) -> Price:
    """T5. Read only, so it has no compensation."""
    return logic.calculate_price(command, bootstrap.fare_store())


@blueprint.lambda_function(name="GetFares")
@step(FaresQuery)
def get_fares(query: FaresQuery) -> FareList:
    """The fares of a flight, for the API."""
    return logic.fares_of(query.flight_id, bootstrap.fare_store())
