"""Commands, results and settings of the seat service."""

from enum import StrEnum
from typing import Protocol

import msgspec


class SeatConfig(msgspec.Struct, frozen=True):
    """Environment of every seat function."""

    seats_table: str
    seat_ledger_table: str
    lock_url: str
    lock_timeout_ms: int = 50
    lock_lead_first: bool = True
    hold_ttl_s: int = 900
    hold_total_s: int = 2700
    due_grace_s: int = 120
    lock_due_s: int = 60


class SeatStatus(StrEnum):
    """What a seat is to the sale. A HELD seat whose time is over counts as AVAILABLE."""

    AVAILABLE = "AVAILABLE"
    HELD = "HELD"
    SOLD = "SOLD"


class LockedSeat(Protocol):
    """What every command about one booking's seat carries."""

    @property
    def booking_id(self) -> str: ...

    @property
    def lock_id(self) -> str: ...

    @property
    def flight_id(self) -> str: ...

    @property
    def seat(self) -> str: ...


class ReserveSeatCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """T3: hold this seat for this booking. ``attempt`` counts the saga's retries of this step, from 0."""

    booking_id: str
    lock_id: str
    flight_id: str
    seat: str
    attempt: int = 0


class SeatHold(msgspec.Struct, frozen=True):
    """A held seat. ``fencing_number`` rises with each hold of the seat; confirming needs the same number.
    ``ttl_s`` and ``renew_every_s`` are the time-outs of the saga's waiting states, in seconds."""

    flight_id: str
    seat: str
    cabin: str
    exit_row: bool
    fencing_number: int
    held_until_s: int
    ttl_s: int = 0
    renew_every_s: int = 0


class RenewSeatLockCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The watchdog's tick: extend lock and hold, if they are still this booking's."""

    booking_id: str
    lock_id: str
    flight_id: str
    seat: str
    fencing_number: int


class ConfirmSeatCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """T7: sell the held seat, if it is still this booking's hold."""

    booking_id: str
    lock_id: str
    flight_id: str
    seat: str
    fencing_number: int


class ReleaseSeatCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """C2: give back whatever this booking has, hold or sold seat."""

    booking_id: str
    lock_id: str
    flight_id: str
    seat: str


class SeatMapQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All seats of one flight."""

    flight_id: str


class SeatView(msgspec.Struct, frozen=True):
    """One seat as the sale sees it now."""

    seat: str
    row: int
    letter: str
    cabin: str
    position: str
    exit_row: bool
    status: SeatStatus


class SeatMap(msgspec.Struct, frozen=True):
    """The seats of a flight in the order of the cabin, nose first."""

    flight_id: str
    seats: list[SeatView]
