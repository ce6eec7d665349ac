"""Requests of the API, with the bounds that bad input meets first, its settings, and what it is told of sagas."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

type FlightId = Annotated[str, Meta(pattern=r"^[A-Z]{3}-[A-Z]{3}-[0-9]{4}\Z")]
type SeatNumber = Annotated[str, Meta(pattern=r"^[1-9][0-9]?[A-K]\Z")]
type AirportCode = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
type Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\Z")]
# What a browser's own e-mail field accepts, with a dot in the domain.
type EmailAddress = Annotated[
    str,
    Meta(max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\Z"),
]
type PaymentMethodId = Annotated[str, Meta(pattern=r"^pm_[A-Za-z0-9_]{1,64}\Z")]
type BagCount = Annotated[int, Meta(ge=0, le=5)]


class ApiConfig(msgspec.Struct, frozen=True):
    """Environment of the API."""

    saga_arn: str
    cancellation_saga_arn: str
    supply_payment_method_function: str
    request_cancellation_function: str
    get_booking_function: str
    search_flights_function: str
    validate_flight_function: str
    get_seat_map_function: str
    get_fares_function: str


class PassengerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who flies."""

    name: Name
    email: EmailAddress


class BookingRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer asks for. Without a payment method the seat is held until one is given."""

    flight_id: FlightId
    seat: SeatNumber
    passenger: PassengerRequest
    payment_method: PaymentMethodId | None = None
    bags: BagCount = 0
    language: Literal["en", "uk"] = "en"


class PaymentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payment method of a held booking."""

    payment_method: PaymentMethodId


class FlightSearch(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"origin": "from", "destination": "to"}
):
    """GET /flights."""

    origin: AirportCode
    destination: AirportCode
    date: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")] | None = None


class FlightPath(msgspec.Struct, frozen=True):
    """The flight in a path."""

    flight_id: FlightId


class BookingPath(msgspec.Struct, frozen=True):
    """The booking in a path: its id or its record locator."""

    ref: Annotated[str, Meta(pattern=r"^(bk-[a-z2-7]{26}|[2-9A-HJ-NP-Z]{6})\Z")]


class Saga(StrEnum):
    """The two state machines."""

    BOOKING = "booking"
    CANCELLATION = "cancellation"


class History(msgspec.Struct, frozen=True):
    """The events of one execution, the oldest first; none if there is no such execution."""

    execution_arn: str
    events: list[dict[str, Any]]
