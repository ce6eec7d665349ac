"""Commands, results and settings of the flight service."""

import msgspec


class FlightConfig(msgspec.Struct, frozen=True):
    """Environment of every flight function."""

    flights_table: str
    flights_by_route_index: str = "by-route"
    sale_closes_before_departure_s: int = 3600


class ValidateFlightCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """T2: may this flight be booked now?"""

    booking_id: str
    flight_id: str


class SearchFlightsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Flights between two airports (IATA codes), on one local date (YYYY-MM-DD) or from now on."""

    origin: str
    destination: str
    date: str | None = None


class Flight(msgspec.Struct, frozen=True):
    """One departure. Instants are seconds since the epoch; the ``*_local`` texts are the airport's own clock."""

    flight_id: str
    number: str
    origin: str
    destination: str
    departs_at_s: int
    arrives_at_s: int
    departs_local: str
    arrives_local: str
    aircraft: str
    distance_km: int


class FlightList(msgspec.Struct, frozen=True):
    """Flights in order of departure."""

    flights: list[Flight]
