"""Commands, results and settings of the pricing service. Money is whole minor units (cents) with a currency."""

import msgspec


class PricingConfig(msgspec.Struct, frozen=True):
    """Environment of every pricing function."""

    fares_table: str


class CalculatePriceCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """T5: what this seat and these bags cost."""

    booking_id: str
    flight_id: str
    cabin: str
    exit_row: bool
    bags: int


class FaresQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fares of one flight."""

    flight_id: str


class Fare(msgspec.Struct, frozen=True):
    """What one cabin of one flight costs: a seat, a seat in an exit row, each bag."""

    flight_id: str
    cabin: str
    currency: str
    seat_minor: int
    exit_row_seat_minor: int
    bag_minor: int


class FareList(msgspec.Struct, frozen=True):
    """The fares of a flight, one a cabin."""

    fares: list[Fare]


class Price(msgspec.Struct, frozen=True):
    """What the booking costs, and of what it is made up."""

    amount_minor: int
    currency: str
    seat_minor: int
    bags_minor: int
