"""How large the tables are, and what is in them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.shared.due import due
from leleka.seed.data import load_fleet
from leleka.seed.items import seats_of
from tests.benchmarks.performance.growth.world import (
    BOOKINGS,
    FLIGHTS,
    LEDGER,
    PAYMENTS,
    SEATS,
    GrownTable,
    add,
    row,
)

NOW_S = 1_800_000_000
ROUTE, DAY = ("KBP", "BCN"), "2027-02-01"
ASKED = "KBP-BCN-0"
_ON_ROUTE = 10
_DAY_S = 86_400
_MIDNIGHT_S = 1_801_440_000  # of DAY, UTC
_UNFINISHED_ONE_IN = 100


class Size(msgspec.Struct, frozen=True):
    """So many rows: flights, each with a 737's seats; bookings, each with a row of the seat ledger and of payments. Of
    the bookings one in a hundred is at work, and ``due`` are due."""

    flights: int
    bookings: int
    due: int


def fill(tables: Mapping[str, GrownTable], size: Size) -> None:
    """Makes tables of that size; ten flights are on the route that is searched, all others on another."""
    _fill_flights(tables, size.flights)
    for name, values in _UNFINISHED.items():
        _fill_bookings(tables[name], size, {**values, "flight_id": ASKED, "seat": "12A"}, _FINISHED[name])


_UNFINISHED: Mapping[str, dict[str, Any]] = {
    BOOKINGS: {"status": "PENDING"},
    LEDGER: {"state": "HELD", "lock_id": "0" * 32},
    PAYMENTS: {"state": "STARTED"},
}
_FINISHED: Mapping[str, dict[str, Any]] = {
    BOOKINGS: {"status": "CONFIRMED"},
    LEDGER: {"state": "CONFIRMED", "lock_id": "0" * 32},
    PAYMENTS: {"state": "CHARGED"},
}


def _fill_flights(tables: Mapping[str, GrownTable], flights: int) -> None:
    seats = seats_of(load_fleet()["B738"])
    add(tables[FLIGHTS], [_flight(number) for number in range(_ON_ROUTE)])
    add(tables[SEATS], [{"flight_id": ASKED, **seat} for seat in seats])
    others = [f"LWO-WAW-{number}" for number in range(flights - _ON_ROUTE)]
    elsewhere = {**_flight(0), "flight_id": "LWO-WAW", "route": "LWO-WAW", "origin": "LWO", "destination": "WAW"}
    tables[FLIGHTS].settle(others, row(tables[FLIGHTS], elsewhere))
    alike = [row(tables[SEATS], {"flight_id": "LWO-WAW", **seat}) for seat in seats]
    on_route = [f"KBP-BCN-{number}" for number in range(1, _ON_ROUTE)]
    tables[SEATS].settle([*on_route, *others], {each.range_key: each for each in alike})


def _flight(number: int) -> dict[str, Any]:
    departs_s = _MIDNIGHT_S + number * 3600
    return {
        "flight_id": f"KBP-BCN-{number}",
        "route": "-".join(ROUTE),
        "number": f"LL {100 + number}",
        "origin": ROUTE[0],
        "destination": ROUTE[1],
        "departs_at_s": departs_s,
        "arrives_at_s": departs_s + 12_600,
        "departs_local": f"{DAY}T{number:02}:15",
        "arrives_local": f"{DAY}T{number + 3:02}:45",
        "aircraft": "Boeing 737-800",
        "distance_km": 2404,
    }


def _fill_bookings(table: GrownTable, size: Size, unfinished: dict[str, Any], finished: dict[str, Any]) -> None:
    """Those that are due, those that will be, and all that are at rest."""
    at_work = size.bookings // _UNFINISHED_ONE_IN
    add(table, [_due(unfinished, f"bk-due-{number}", NOW_S - 1 - number) for number in range(size.due)])
    add(table, [_due(unfinished, f"bk-at-work-{number}", NOW_S + _DAY_S + number) for number in range(at_work)])
    rest = [f"bk-{number}" for number in range(size.bookings - size.due - at_work)]
    table.settle(rest, row(table, {**unfinished, **finished, "booking_id": "bk-at-rest"}))


def _due(values: dict[str, Any], booking_id: str, at_s: int) -> dict[str, Any]:
    return {**values, "booking_id": booking_id, **due(booking_id, at_s)}
