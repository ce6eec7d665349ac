"""Which flights exist, and which may still be sold."""

from datetime import UTC, date, datetime, time

from chalicelib.flight.models import Flight, FlightList, SearchFlightsQuery
from chalicelib.flight.store import FlightStore
from chalicelib.shared.clock import Clock
from chalicelib.shared.errors import FlightDeparted, FlightNotFound

_DAY_S = 86_400
_WIDEST_OFFSET_S = 14 * 3600  # no clock on Earth is further from UTC
_HORIZON_S = 370 * _DAY_S  # a day of the year that is about to pass comes again within 368 days


def validate_flight(flight_id: str, store: FlightStore, clock: Clock, sale_closes_before_departure_s: int) -> Flight:
    """The flight, if it may be booked now.

    Raises:
        FlightNotFound: there is none of that id.
        FlightDeparted: it has left or leaves within the closing time.
        StoreBusy: no verdict; the step may be repeated.
    """
    flight = store.find(flight_id)
    if flight is None:
        raise FlightNotFound(f"there is no flight {flight_id}")
    if flight.departs_at_s - sale_closes_before_departure_s <= clock():
        raise FlightDeparted(f"flight {flight_id} departs at {flight.departs_local}; its sale is closed")
    return flight


def search_flights(query: SearchFlightsQuery, store: FlightStore, clock: Clock) -> FlightList:
    """The flights of a route that have not left, on one local date if one is given."""
    now_s = clock()
    if query.date is None:
        return FlightList(flights=store.on_route(query.origin, query.destination, now_s, now_s + _HORIZON_S))
    midnight_s = int(datetime.combine(date.fromisoformat(query.date), time(), UTC).timestamp())
    from_s, until_s = midnight_s - _WIDEST_OFFSET_S, midnight_s + _DAY_S + _WIDEST_OFFSET_S
    flights = store.on_route(query.origin, query.destination, max(now_s, from_s), max(now_s, until_s))
    return FlightList(flights=[flight for flight in flights if flight.departs_local.startswith(query.date)])
