"""The services behind the API, and the orchestrator."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.api.models import ApiConfig, History, Saga
from chalicelib.shared import log
from chalicelib.shared.errors import BookingNotFound, FlightNotFound, InvalidRequest, ServiceUnavailable
from chalicelib.shared.executions import booking_of, execution_arn
from chalicelib.shared.remote import RemoteFunctions

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_LAYOUT_TTL_S = 300.0
_LAYOUTS_MAX = 256
_EVENTS_A_PAGE = 1000  # Step Functions gives no more at once, and a saga has fewer, all retries included
_EVENTS_MAX = 5000


class Services:
    """What the routes may ask. Every call is bounded in time and raises Leleka's typed errors."""

    def __init__(
        self,
        functions: RemoteFunctions,
        orchestrator: "SFNClient",
        config: ApiConfig,
        place_booking: Callable[[Any], Any],
    ) -> None:
        self._functions = functions
        self._place_booking = place_booking
        self._orchestrator = orchestrator
        self._config = config
        self._layouts: dict[str, tuple[float, frozenset[str]]] = {}

    def search_flights(self, origin: str, destination: str, date: str | None) -> list[dict[str, Any]]:
        """Flights of a route."""
        query = {"origin": origin, "destination": destination, "date": date}
        flights: list[dict[str, Any]] = self._functions.call(self._config.search_flights_function, query)["flights"]
        return flights

    def seat_map(self, flight_id: str) -> list[dict[str, Any]]:
        """The seats of a flight as they are now. Raises FlightNotFound."""
        answer = self._functions.call(self._config.get_seat_map_function, {"flight_id": flight_id})
        seats: list[dict[str, Any]] = answer["seats"]
        return seats

    def fares(self, flight_id: str) -> dict[str, dict[str, Any]]:
        """The fares of a flight by cabin."""
        answer = self._functions.call(self._config.get_fares_function, {"flight_id": flight_id})
        return {fare["cabin"]: fare for fare in answer["fares"]}

    def require_seat(self, booking_id: str, flight_id: str, seat: str) -> None:
        """Passes if the flight is on sale and its aircraft has the seat.

        An aircraft's layout does not change, so it is remembered for five minutes; whether the seat is free is the
        saga's question.

        Raises:
            InvalidRequest: names the field that is wrong.
            FlightDeparted: the sale is closed.
        """
        self._about(booking_id)
        try:
            seats = self._layout(booking_id, flight_id)
        except FlightNotFound as unknown:
            raise InvalidRequest(str(unknown), field="$.flight_id") from unknown
        if seat not in seats:
            raise InvalidRequest(f"flight {flight_id} has no seat {seat}", field="$.seat")

    def place_booking(self, command: dict[str, Any]) -> dict[str, Any]:
        """Keeps the request. Raises IdempotencyKeyReused, StoreBusy, or TryLater for somebody who holds too much."""
        booking: dict[str, Any] = self._place_booking(command)
        return booking

    def booking(self, ref: str, secret: str) -> dict[str, Any]:
        """One booking. Raises BookingNotFound."""
        self._about(ref)
        query = {"ref": ref, "secret": secret}
        booking: dict[str, Any] = self._functions.call(self._config.get_booking_function, query)
        self._about(booking["booking_id"])
        return booking

    def supply_payment_method(self, ref: str, secret: str, payment_method: str) -> dict[str, Any]:
        """Lets a waiting saga go on. Raises HoldExpired, PaymentAlreadyGiven, BookingClosed, BookingNotFound."""
        self._about(ref)
        command = {"ref": ref, "secret": secret, "payment_method": payment_method}
        booking: dict[str, Any] = self._functions.call(self._config.supply_payment_method_function, command)
        return booking

    def cancel(self, ref: str, secret: str) -> dict[str, Any]:
        """Withdraws a waiting booking, or starts the cancellation saga of a confirmed one; once, however often asked.

        Raises:
            BookingNotFound, BookingInProgress, FlightDeparted: nothing was done.
            ServiceUnavailable: it may or may not have begun; the same request again is safe.
        """
        self._about(ref)
        wish = self._functions.call(self._config.request_cancellation_function, {"ref": ref, "secret": secret})
        booking: dict[str, Any] = wish["booking"]
        self._about(booking["booking_id"])
        if wish["lock_id"] is not None:
            command = {"booking_id": booking["booking_id"], "flight_id": booking["flight_id"]}
            self._functions.call(self._config.validate_flight_function, command)
            self._start(self._config.cancellation_saga_arn, booking["booking_id"], cancellation_input(wish))
        return booking

    def exists(self, booking_id: str, secret: str) -> bool:
        """Whether this booking was ever asked for."""
        try:
            self.booking(booking_id, secret)
        except BookingNotFound:
            return False
        return True

    def start_saga(self, booking_id: str, saga_input: dict[str, Any]) -> None:
        """Starts the booking's saga; a second start of the same name is none, whether the first still runs or not.

        Raises:
            ServiceUnavailable: it may or may not have started; the same request again is safe.
        """
        self._start(self._config.saga_arn, booking_id, saga_input)

    def history(self, saga: Saga, name: str) -> History:
        """What the execution of this name has done so far, without its data.

        Raises:
            ServiceUnavailable: the orchestrator is busy or did not answer; nothing is known of the execution.
        """
        machine_arn = self._config.saga_arn if saga is Saga.BOOKING else self._config.cancellation_saga_arn
        arn = execution_arn(machine_arn, name)
        pages = self._orchestrator.get_paginator("get_execution_history").paginate(
            executionArn=arn,
            includeExecutionData=False,
            PaginationConfig={"PageSize": _EVENTS_A_PAGE, "MaxItems": _EVENTS_MAX},
        )
        try:
            events: list[Any] = [event for page in pages for event in page["events"]]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return History(arn, [])
            raise ServiceUnavailable("the orchestrator did not tell how the saga stands") from error
        except BotoCoreError as error:
            raise ServiceUnavailable("the orchestrator did not answer") from error
        return History(arn, events)

    def _about(self, ref: str) -> None:
        """Every line from now on, and every function that is called, is told of the booking. A locator tells nothing
        before somebody has looked it up."""
        booking_id = booking_of(ref)
        if booking_id:
            log.also_correlate(booking_id=booking_id, execution_id=execution_arn(self._config.saga_arn, booking_id))

    def _start(self, saga_arn: str, name: str, saga_input: dict[str, Any]) -> None:
        try:
            self._orchestrator.start_execution(
                stateMachineArn=saga_arn, name=name, input=msgspec.json.encode(saga_input).decode()
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                return
            raise ServiceUnavailable("the booking was kept, but its saga did not start; send it again") from error
        except BotoCoreError as error:
            raise ServiceUnavailable("the orchestrator did not answer; send the same request again") from error

    def _layout(self, booking_id: str, flight_id: str) -> frozenset[str]:
        kept_until_s, seats = self._layouts.get(flight_id, (0.0, frozenset[str]()))
        if time.monotonic() < kept_until_s:
            return seats
        self._functions.call(self._config.validate_flight_function, {"booking_id": booking_id, "flight_id": flight_id})
        seats = frozenset(view["seat"] for view in self.seat_map(flight_id))
        if len(self._layouts) >= _LAYOUTS_MAX:
            self._layouts.clear()
        self._layouts[flight_id] = (time.monotonic() + _LAYOUT_TTL_S, seats)
        return seats


def cancellation_input(wish: dict[str, Any]) -> dict[str, Any]:
    """As if the booking's own saga had failed after its last step, with the customer's wish as the error."""
    booking = wish["booking"]
    return {
        **{name: booking[name] for name in ("booking_id", "flight_id", "seat")},
        "ticket": {"lock_id": wish["lock_id"]},
        "refunded_minor": 0,
        "redriven": False,
        "error": {"Error": "CancelledByCustomer", "Cause": "the customer cancelled the booking"},
    }
