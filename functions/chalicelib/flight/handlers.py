"""Lambda entry points of the flight service."""

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.flight import logic
from chalicelib.flight.models import Flight, FlightList, SearchFlightsQuery, ValidateFlightCommand
from chalicelib.shared.clock import system_clock
from chalicelib.shared.step import step

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="ValidateFlight")
@step(ValidateFlightCommand)
def validate_flight(command: ValidateFlightCommand) -> Flight:
    """T2. Read only, so it has no compensation."""
    closes_s = bootstrap.flight_config().sale_closes_before_departure_s
    return logic.validate_flight(command.flight_id, bootstrap.flight_store(), system_clock, closes_s)


@blueprint.lambda_function(name="SearchFlights")
@step(SearchFlightsQuery)
def search_flights(query: SearchFlightsQuery) -> FlightList:
    """The flights of a route, for the API."""
    return logic.search_flights(query, bootstrap.flight_store(), system_clock)
