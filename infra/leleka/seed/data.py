"""What is seeded, as written down: the aircraft and the schedule of ``localstack/seed``, and the world's airports."""

import functools
from pathlib import Path
from typing import Annotated

import airportsdata
import msgspec
from msgspec import Meta

from leleka.paths import PROJECT

FOLDER = PROJECT / "localstack" / "seed"

type RowRange = tuple[int, int]
type Minor = Annotated[int, Meta(ge=0)]
type Iata = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]


class SeedError(Exception):
    """The seed can't be computed or written; the message names the file, the flight or the table."""


class Cabin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A class of service: its rows, first and last, and the letters that are not sold in it."""

    cabin: str
    rows: RowRange
    blocked: str


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An aircraft's seats. ``letters`` has a blank where the aisle is, such as ``ABC DEF``."""

    name: str
    source: str
    letters: str
    seats_installed: int
    rows: RowRange
    missing_rows: list[int]
    missing_seats: list[str]
    exit_rows: list[int]
    cabins: list[Cabin]


class Fare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices in minor units."""

    seat: Minor
    exit_row_seat: Minor
    bag: Minor


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A flight number: where, when (local ``HH:MM``, days as ``MMDD``), with what, at which fares by cabin."""

    number: str
    origin: Iata
    destination: Iata
    aircraft: str
    departs: Annotated[str, Meta(pattern=r"^\d{2}:\d{2}$")]
    bags: Annotated[int, Meta(ge=0)]
    days: list[Annotated[str, Meta(pattern=r"^\d{4}$")]]
    fares: dict[str, Fare]


class Fleet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of aircraft, by type."""

    note: str
    aircraft: dict[str, Layout]


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of flights."""

    note: str
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    flights: list[Service]


class Airport(msgspec.Struct, frozen=True):
    """An airport: position in degrees, time zone as in the tz database."""

    iata: str
    lat: float
    lon: float
    tz: str


def load_fleet(folder: Path = FOLDER) -> dict[str, Layout]:
    """The aircraft by type. Raises SeedError."""
    return _load(folder / "aircraft.json", Fleet).aircraft


def load_schedule(folder: Path = FOLDER) -> Schedule:
    """The flights. Raises SeedError."""
    return _load(folder / "schedule.json", Schedule)


def airport(iata: str) -> Airport:
    """An airport by its IATA code. Raises SeedError if there is none."""
    found = _airports().get(iata)
    if found is None:
        raise SeedError(f"airportsdata knows no airport {iata}")
    return msgspec.convert(found, Airport)


@functools.cache
def _airports() -> dict[str, airportsdata.Airport]:
    return airportsdata.load("IATA")


def _load[Model: msgspec.Struct](path: Path, model: type[Model]) -> Model:
    try:
        return msgspec.json.decode(path.read_bytes(), type=model)
    except (OSError, msgspec.MsgspecError) as error:
        raise SeedError(f"{path}: {error}") from error
