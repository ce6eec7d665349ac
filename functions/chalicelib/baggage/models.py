"""Commands, results and settings of the baggage service."""

import msgspec


class BaggageConfig(msgspec.Struct, frozen=True):
    """Environment of every baggage function."""

    baggage_quota_table: str
    baggage_ledger_table: str


class ReserveBaggageCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """T4: take this many bags of the flight's quota; none is allowed. ``attempt`` counts the saga's retries, from 0."""

    booking_id: str
    flight_id: str
    bags: int
    attempt: int = 0


class ReleaseBaggageCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """C3: give back what this booking took."""

    booking_id: str


class BaggageReservation(msgspec.Struct, frozen=True):
    """The bags that the booking has."""

    bags: int
