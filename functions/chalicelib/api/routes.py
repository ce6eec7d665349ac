"""The routes. Each parses, asks a service, and answers."""

import hashlib
from typing import Any

import msgspec
from chalice.app import Blueprint, Response

from chalicelib import bootstrap
from chalicelib.api import answers, pages, requests
from chalicelib.api.headers import guard_headers
from chalicelib.api.models import BookingPath, BookingRequest, FlightPath, FlightSearch, PaymentRequest
from chalicelib.api.observed import observed
from chalicelib.api.problems import answering_problems, chalice_errors_as_problems
from chalicelib.api.story import story_of
from chalicelib.api.views import (
    booking_view,
    execution_view,
    fare_view,
    flight_view,
    placed_booking_view,
    seat_view,
)
from chalicelib.shared import log
from chalicelib.shared.errors import Refusal

blueprint = Blueprint(__name__)
blueprint.register_middleware(guard_headers, "http")
blueprint.register_middleware(observed, "http")
blueprint.register_middleware(chalice_errors_as_problems, "http")


@blueprint.route("/", methods=["GET"])
@answering_problems
def page() -> Response:
    """The customer's page. Its addresses are relative, so the stage's own address has to end with a slash."""
    address = blueprint.current_request.context["path"]
    if not address.endswith("/"):
        return Response("", status_code=307, headers={"Location": pages.with_slash(address)})
    return Response(pages.site().index, headers=pages.PAGE_HEADERS)


@blueprint.route("/web/{version}/{name}", methods=["GET"])
@answering_problems
def page_file(version: str, name: str) -> Response:
    """A file of the customer's page; what was asked for under another version than this one may not be kept."""
    file = pages.site().file(name)
    return Response(file.text, headers=pages.file_headers(file, kept=version == pages.site().version))


@blueprint.route("/flights", methods=["GET"])
@answering_problems
def search_flights() -> Response:
    """Flights of a route: ``?from=KBP&to=BCN``, with ``&date=YYYY-MM-DD`` for one local day."""
    search = requests.parse_values(blueprint.current_request.query_params or {}, FlightSearch)
    date = requests.parse_date(search.date)
    flights = bootstrap.services().search_flights(search.origin, search.destination, date)
    return _json(answers.FlightList([flight_view(flight) for flight in flights]))


@blueprint.route("/flights/{flight_id}/seats", methods=["GET"])
@answering_problems
def seat_map(flight_id: str) -> Response:
    """The seats of a flight with their prices, as they are now."""
    path = requests.parse_values({"flight_id": flight_id}, FlightPath)
    services = bootstrap.services()
    seats, fares = services.seat_map(path.flight_id), services.fares(path.flight_id)
    return _json(
        answers.SeatMap(
            flight_id=path.flight_id,
            seats=[seat_view(seat, fares) for seat in seats],
            fares=[fare_view(fare) for fare in fares.values()],
        )
    )


@blueprint.route("/bookings", methods=["POST"])
@answering_problems
def create_booking() -> Response:
    """Keeps the request, starts its saga, and answers at once: 202, with where to look."""
    http = blueprint.current_request
    booking_id = requests.booking_id_for(http.headers.get("idempotency-key"))
    secret = requests.secret_for(http.headers["idempotency-key"])
    log.also_correlate(booking_id=booking_id)
    request = requests.parse_body(http.raw_body, BookingRequest)
    services = bootstrap.services()
    try:
        services.require_seat(booking_id, request.flight_id, request.seat)
    except Refusal:
        # A repeated request must get its booking also when the sale has closed since; a first one ends here.
        if not services.exists(booking_id, secret):
            raise
    placed: dict[str, Any] = msgspec.to_builtins(request)
    command = {
        **placed,
        "booking_id": booking_id,
        "request_hash": requests.fingerprint(request),
        "secret_hash": hashlib.sha256(secret.encode()).hexdigest(),
        # Who holds the other end of the connection. Forwarded headers say whatever a client likes.
        "source": http.context["identity"]["sourceIp"],
    }
    booking = services.place_booking(command)
    # Personal data stays with the booking service; the saga carries the id.
    carried = {name: placed[name] for name in ("flight_id", "seat", "bags", "payment_method")}
    services.start_saga(booking_id, {"booking_id": booking_id, **carried, "refunded_minor": 0})
    view = placed_booking_view(booking, secret)
    return _json(view, status_code=202, headers={"Location": f"bookings/{booking_id}"})


@blueprint.route("/bookings/{ref}", methods=["GET"])
@answering_problems
def read_booking(ref: str) -> Response:
    """One booking, by its id or its record locator."""
    secret = requests.bearer_secret(blueprint.current_request.headers.get("authorization"))
    path = requests.parse_values({"ref": ref}, BookingPath)
    return _json(booking_view(bootstrap.services().booking(path.ref, secret)))


@blueprint.route("/bookings/{ref}/saga", methods=["GET"])
@answering_problems
def read_saga(ref: str) -> Response:
    """What has happened to a booking, step by step, and the booking itself, so that a page asks once."""
    secret = requests.bearer_secret(blueprint.current_request.headers.get("authorization"))
    path = requests.parse_values({"ref": ref}, BookingPath)
    services = bootstrap.services()
    own = services.booking(path.ref, secret)
    story = story_of(own, services)
    # Read again after its history, so that what may lag behind is the history: its last steps come with the next look.
    # The other way round an ended saga would stand beside a booking that seems to be under way.
    booking = services.booking(own["booking_id"], secret)
    return _json(answers.Story(booking_view(booking), [execution_view(each) for each in story]))


@blueprint.route("/bookings/{ref}/payment", methods=["POST"])
@answering_problems
def pay_booking(ref: str) -> Response:
    """The payment method of a booking that waits for one."""
    http = blueprint.current_request
    secret = requests.bearer_secret(http.headers.get("authorization"))
    path = requests.parse_values({"ref": ref}, BookingPath)
    payment = requests.parse_body(http.raw_body, PaymentRequest)
    booking = bootstrap.services().supply_payment_method(path.ref, secret, payment.payment_method)
    return _json(booking_view(booking), status_code=202)


@blueprint.route("/bookings/{ref}", methods=["DELETE"])
@answering_problems
def cancel_booking(ref: str) -> Response:
    """Cancels a booking that is confirmed or waits for payment; the answer is how it stood before."""
    secret = requests.bearer_secret(blueprint.current_request.headers.get("authorization"))
    path = requests.parse_values({"ref": ref}, BookingPath)
    return _json(booking_view(bootstrap.services().cancel(path.ref, secret)), status_code=202)


def _json(body: msgspec.Struct, status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        body=msgspec.json.encode(body).decode(),
        status_code=status_code,
        headers={"Content-Type": "application/json", **(headers or {})},
    )
