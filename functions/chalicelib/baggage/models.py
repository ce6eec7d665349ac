"""Commands, results and settings of the baggage service."""

import msgspec


class BaggageConfig(msgspec.Struct, frozen=True):
    """Environment of every baggage function."""

    baggage_quota_table: str
    baggage_ledger_table: str


class ReserveBaggageCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """T4: take this many bags of the flight's quota; none is allowed."""

    booking_id: str
    flight_id: str
    bags: int


class ReleaseBaggageCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """C3: give back what this booking took."""

    booking_id: str


class BaggageReservation(msgspec.Struct, frozen=True):
    """The bags that the booking has."""

    bags: int
