"""What the API can be asked, and what only people can tell of it."""

from dataclasses import dataclass

import msgspec

from chalicelib.api import answers
from chalicelib.api.models import BookingRequest, PaymentRequest
from chalicelib.api.pages import FileNotServed
from chalicelib.api.requests import BodyTooLarge, MalformedJson, MissingIdempotencyKey, MissingSecret
from chalicelib.shared import errors
from chalicelib.shared.errors import InvalidRequest, LelekaError

type Errors = tuple[type[LelekaError], ...]

_ASKS_SERVICES: Errors = (errors.StoreBusy, errors.ServiceUnavailable)
_READS_BODY: Errors = (MalformedJson, BodyTooLarge, InvalidRequest)
_OWN_BOOKING: Errors = (MissingSecret, InvalidRequest, errors.BookingNotFound, *_ASKS_SERVICES)


@dataclass(frozen=True)
class Operation:
    """One method of one path. ``values`` are names of path and query values, ``answer`` is what success looks like."""

    path: str
    method: str
    name: str
    summary: str
    description: str
    answer: type[msgspec.Struct]
    errors: Errors
    status: int = 200
    values: tuple[str, ...] = ()
    body: type[msgspec.Struct] | None = None
    secret: bool = False
    """Whether the booking's secret is needed."""

    keyed: bool = False
    """Whether it takes an ``Idempotency-Key``, and tells where what it made is."""


OPERATIONS = (
    Operation(
        path="/flights",
        method="get",
        name="searchFlights",
        summary="Flights of a route",
        description="Those that have not left, in order of departure; with `date` those of one local day.",
        values=("from", "to", "date"),
        answer=answers.FlightList,
        errors=(InvalidRequest, *_ASKS_SERVICES),
    ),
    Operation(
        path="/flights/{flight_id}/seats",
        method="get",
        name="getSeatMap",
        summary="The seats of a flight, with prices",
        description="As they are now; a seat that is shown as free may be gone a moment later.",
        values=("flight_id",),
        answer=answers.SeatMap,
        errors=(InvalidRequest, errors.FlightNotFound, *_ASKS_SERVICES),
    ),
    Operation(
        path="/bookings",
        method="post",
        name="createBooking",
        summary="Book a seat",
        description="Keeps the request and starts its saga: 202 says that it was begun, not that the seat is yours. "
        "Look again at `Location`, with the `secret` of this answer. Without a payment method the seat is held until "
        "one is given. The same `Idempotency-Key` with the same request is the same booking, however often it is sent.",
        body=BookingRequest,
        answer=answers.PlacedBooking,
        status=202,
        keyed=True,
        errors=(
            MissingIdempotencyKey,
            *_READS_BODY,
            errors.IdempotencyKeyReused,
            errors.FlightDeparted,
            errors.TooManyHolds,
            errors.TooManyHoldsFromSource,
            errors.TooManyAttempts,
            errors.SeatCoolingDown,
            *_ASKS_SERVICES,
        ),
    ),
    Operation(
        path="/bookings/{ref}",
        method="get",
        name="getBooking",
        summary="A booking",
        description="By its id or its record locator.",
        values=("ref",),
        secret=True,
        answer=answers.Booking,
        errors=_OWN_BOOKING,
    ),
    Operation(
        path="/bookings/{ref}",
        method="delete",
        name="cancelBooking",
        summary="Cancel a booking",
        description="One that is confirmed, or waits for its payment. The answer is how it stood before; what was "
        "taken is refunded by a saga. Asking again changes nothing.",
        values=("ref",),
        secret=True,
        answer=answers.Booking,
        status=202,
        errors=(*_OWN_BOOKING, errors.FlightNotFound, errors.BookingInProgress, errors.FlightDeparted),
    ),
    Operation(
        path="/bookings/{ref}/payment",
        method="post",
        name="payBooking",
        summary="Give a held booking its payment method",
        description="Lets the waiting saga go on. The same method again changes nothing.",
        values=("ref",),
        secret=True,
        body=PaymentRequest,
        answer=answers.Booking,
        status=202,
        errors=(
            *_OWN_BOOKING,
            *_READS_BODY,
            errors.HoldExpired,
            errors.PaymentAlreadyGiven,
            errors.BookingInProgress,
            errors.BookingClosed,
        ),
    ),
    Operation(
        path="/bookings/{ref}/saga",
        method="get",
        name="getBookingSaga",
        summary="A booking's story, step by step",
        description="The booking, and every execution that ran for it: its saga, its cancellation, what settled or "
        "redrove it. The booking is read last, so only the steps can be late.",
        values=("ref",),
        secret=True,
        answer=answers.Story,
        errors=_OWN_BOOKING,
    ),
)

PAGE_FILE_ERRORS: Errors = (FileNotServed,)
