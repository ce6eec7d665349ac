"""What the API answers with. These shapes are its contract: docs/openapi.yaml is made from them.

What a service told besides is dropped on the way here, since only what is named is shown. ``UNSET`` means that the
field is left out.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.api.timeline import Outcome, Role, State

type BookingId = Annotated[str, Meta(pattern=r"^bk-[a-z2-7]{26}\Z")]
type RecordLocator = Annotated[str, Meta(pattern=r"^[2-9A-HJ-NP-Z]{6}\Z")]
type Instant = Annotated[str, Meta(description="RFC 3339, in UTC", extra_json_schema={"format": "date-time"})]
type LocalTime = Annotated[str, Meta(description="the airport's own clock, such as 2027-06-15T10:40")]
type Minor = Annotated[int, Meta(ge=0, description="money in whole minor units, such as cents")]
type Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", description="ISO 4217")]
type Count = Annotated[int, Meta(ge=0)]
type Seconds = Annotated[float, Meta(ge=0)]
type ErrorName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.]*\Z", max_length=80)]
type SeatStatus = Literal["AVAILABLE", "HELD", "SOLD"]
type BookingStatus = Literal["REQUESTED", "PENDING", "AWAITING_PAYMENT", "CONFIRMED", "CANCELLED", "NEEDS_ATTENTION"]
type ExecutionKind = Literal["saga", "cancellation", "settlement", "redrive"]


class Flight(msgspec.Struct, frozen=True):
    """A departure."""

    flight_id: str
    number: str
    origin: str
    destination: str
    departs_at: Instant
    arrives_at: Instant
    departs_local: LocalTime
    arrives_local: LocalTime
    aircraft: str
    distance_km: Count


class FlightList(msgspec.Struct, frozen=True):
    """Flights in order of departure."""

    flights: list[Flight]


class Seat(msgspec.Struct, frozen=True):
    """A seat as it is now. It has no price where its cabin is not on sale."""

    seat: str
    row: Count
    letter: str
    cabin: str
    position: str
    exit_row: bool
    status: SeatStatus
    price_minor: Minor | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET


class Fare(msgspec.Struct, frozen=True):
    """What a cabin of a flight costs: a seat, one in an exit row, each bag."""

    cabin: str
    currency: Currency
    seat_minor: Minor
    exit_row_seat_minor: Minor
    bag_minor: Minor


class SeatMap(msgspec.Struct, frozen=True):
    """The seats of a flight, nose first, and the fares that their prices come from."""

    flight_id: str
    seats: list[Seat]
    fares: list[Fare]


class Passenger(msgspec.Struct, frozen=True):
    """Who flies."""

    name: str
    email: str


class Booking(msgspec.Struct, frozen=True):
    """A booking as it stands. It can be paid until ``hold_expires_at``, and has an amount once it was confirmed."""

    booking_id: BookingId
    record_locator: RecordLocator
    status: BookingStatus
    flight_id: str
    seat: str
    bags: Count
    passenger: Passenger
    language: Literal["en", "uk"]
    created_at: Instant
    hold_expires_at: Instant | UnsetType = UNSET
    reason: Annotated[str, Meta(pattern=r"^[A-Z][A-Z_]*\Z", description="why it was cancelled")] | UnsetType = UNSET
    amount_minor: Minor | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    refunded_minor: Minor | UnsetType = UNSET


class PlacedBooking(Booking, frozen=True, kw_only=True):
    """A booking as it was made: the one answer with the secret, which its customer needs from then on."""

    secret: Annotated[str, Meta(pattern=r"^[a-z2-7]{26}\Z")]


class Step(msgspec.Struct, frozen=True):
    """One visit of an execution to a state; ``attempts_before`` were made in earlier visits to the same state."""

    name: str
    role: Role
    state: State
    entered_at: Instant
    duration_s: Seconds | None
    attempts: Count
    attempts_before: Count
    error: ErrorName | None


class Execution(msgspec.Struct, frozen=True):
    """One run of a state machine for a booking, step by step, as far as it has come."""

    kind: ExecutionKind
    execution_id: str
    outcome: Outcome
    error: ErrorName | None
    started_at: Instant
    duration_s: Seconds | None
    steps: list[Step]


class Story(msgspec.Struct, frozen=True):
    """A booking and what ran for it, in the order in which it began."""

    booking: Booking
    executions: list[Execution]


class FieldError(msgspec.Struct, frozen=True):
    """Which field of the request is wrong, as a JSON path or a header's name, and why."""

    field: str
    detail: str


class Problem(msgspec.Struct, frozen=True):
    """Why a request was not fulfilled (RFC 9457). ``type`` is for programs, ``detail`` for people."""

    type: Annotated[str, Meta(pattern=r"^urn:leleka:problem:[a-z-]+\Z")]
    title: str
    detail: str
    status: Annotated[int, Meta(ge=400, le=599)] | UnsetType = UNSET
    errors: list[FieldError] | UnsetType = UNSET
