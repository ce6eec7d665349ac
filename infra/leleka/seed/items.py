"""The items of a seed, computed: the same ``today`` gives the same items. No clock, no AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any
from zoneinfo import ZoneInfo

from leleka.seed.data import Airport, Layout, Schedule, SeedError, Service, airport

type Item = dict[str, Any]

_EARTH_RADIUS_KM = 6371.0088
_CRUISE_KM_PER_H = 800
_TAXI_CLIMB_DESCENT_MIN = 40
_LEAD_DAYS = 2
_YEARS_TO_A_29_FEBRUARY_MAX = 8  # 1896 to 1904, and 2096 to 2104


@dataclass(frozen=True)
class SeedItems:
    """Plain items by table, in the shape that the services read."""

    flights: list[Item]
    seats: list[Item]
    quotas: list[Item]
    fares: list[Item]


def compute(today: date, schedule: Schedule, fleet: Mapping[str, Layout]) -> SeedItems:
    """Every item of the seed as of ``today``.

    Raises:
        SeedError: the schedule names an airport, an aircraft or a day that does not exist.
    """
    items = SeedItems([], [], [], [])
    for service in schedule.flights:
        layout = fleet.get(service.aircraft)
        if layout is None:
            raise SeedError(f"{service.number} flies an unknown aircraft {service.aircraft}")
        for month_day in service.days:
            flight = flight_item(service, layout.name, next_day(month_day, today))
            flight_id = flight["flight_id"]
            items.flights.append(flight)
            items.seats.extend({"flight_id": flight_id, **seat} for seat in seats_of(layout))
            items.quotas.append({"flight_id": flight_id, "capacity": service.bags, "free": service.bags})
            items.fares.extend(_fare_items(flight_id, service, schedule.currency))
    return items


def flight_item(service: Service, aircraft: str, day: date) -> Item:
    """One departure on one local day. Instants are whole epoch seconds; local texts are each airport's own clock."""
    origin, destination = airport(service.origin), airport(service.destination)
    distance = distance_km(origin, destination)
    wall = datetime.combine(day, time.fromisoformat(service.departs), ZoneInfo(origin.tz))
    departs = wall.astimezone(UTC)  # an hour that the clocks skip becomes the one that they show instead
    arrives = departs + timedelta(minutes=block_minutes(distance))
    return {
        "flight_id": f"{origin.iata}-{destination.iata}-{day:%m%d}",
        "route": f"{origin.iata}-{destination.iata}",
        "number": service.number,
        "origin": origin.iata,
        "destination": destination.iata,
        "departs_at_s": int(departs.timestamp()),
        "arrives_at_s": int(arrives.timestamp()),
        "departs_local": _wall_clock(departs, origin),
        "arrives_local": _wall_clock(arrives, destination),
        "aircraft": aircraft,
        "distance_km": round(distance),
    }


def seats_of(layout: Layout) -> list[Item]:
    """The seats that are sold in this aircraft, nose first; all AVAILABLE, never held before."""
    positions = _positions(layout.letters)
    first, last = layout.rows
    return [
        {
            "seat": f"{row}{letter}",
            "row": row,
            "letter": letter,
            "cabin": cabin.cabin,
            "position": position,
            "exit_row": row in layout.exit_rows,
            "status": "AVAILABLE",
            "fencing_number": 0,
        }
        for row in range(first, last + 1)
        if row not in layout.missing_rows
        for cabin in layout.cabins
        if cabin.rows[0] <= row <= cabin.rows[1]
        for letter, position in positions.items()
        if letter not in cabin.blocked and f"{row}{letter}" not in layout.missing_seats
    ]


def next_day(month_day: str, today: date) -> date:
    """The next such day (``MMDD``) that is at least two days after ``today``; 0229 waits for a leap year."""
    month, day = int(month_day[:2]), int(month_day[2:])
    for year in range(today.year, today.year + _YEARS_TO_A_29_FEBRUARY_MAX + 2):
        try:
            candidate = date(year, month, day)
        except ValueError:
            continue
        if candidate >= today + timedelta(days=_LEAD_DAYS):
            return candidate
    raise SeedError(f"no year has a day {month_day}")


def distance_km(one: Airport, other: Airport) -> float:
    """The great-circle distance on a sphere of the Earth's mean radius (haversine), in kilometres."""
    lat_1, lat_2 = radians(one.lat), radians(other.lat)
    d_lat, d_lon = lat_2 - lat_1, radians(other.lon - one.lon)
    chord = sin(d_lat / 2) ** 2 + cos(lat_1) * cos(lat_2) * sin(d_lon / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(sqrt(chord))


def block_minutes(distance: float) -> int:
    """Gate to gate in whole five minutes, as timetables have it: a fixed part, and the distance in km at cruise."""
    return 5 * round((_TAXI_CLIMB_DESCENT_MIN + distance / _CRUISE_KM_PER_H * 60) / 5)


def _positions(letters: str) -> dict[str, str]:
    """``ABC DEF``: outermost is the window, beside the blank is the aisle, the rest is the middle."""
    outermost = {letters[0], letters[-1]}
    beside_aisle = {letters[at + step] for at, letter in enumerate(letters) if letter == " " for step in (-1, 1)}
    return {
        letter: "window" if letter in outermost else "aisle" if letter in beside_aisle else "middle"
        for letter in letters.replace(" ", "")
    }


def _fare_items(flight_id: str, service: Service, currency: str) -> list[Item]:
    return [
        {
            "flight_id": flight_id,
            "cabin": cabin,
            "currency": currency,
            "seat_minor": fare.seat,
            "exit_row_seat_minor": fare.exit_row_seat,
            "bag_minor": fare.bag,
        }
        for cabin, fare in service.fares.items()
    ]


def _wall_clock(instant: datetime, where: Airport) -> str:
    return instant.astimezone(ZoneInfo(where.tz)).strftime("%Y-%m-%dT%H:%M")
