"""Errors to HTTP: the one file that knows which error is which status. Answers are RFC 9457 problem documents."""

import functools
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from chalice.app import Response
from msgspec import UNSET

from chalicelib.api.answers import FieldError, Problem
from chalicelib.api.pages import FileNotServed
from chalicelib.api.requests import BodyTooLarge, MalformedJson, MissingIdempotencyKey, MissingSecret
from chalicelib.shared import errors, outcomes
from chalicelib.shared.errors import InvalidRequest, LelekaError, TryLater

STATUS: dict[type[LelekaError], HTTPStatus] = {
    MissingSecret: HTTPStatus.UNAUTHORIZED,
    MalformedJson: HTTPStatus.BAD_REQUEST,
    MissingIdempotencyKey: HTTPStatus.BAD_REQUEST,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    FileNotServed: HTTPStatus.NOT_FOUND,
    errors.BookingNotFound: HTTPStatus.NOT_FOUND,
    errors.FlightNotFound: HTTPStatus.NOT_FOUND,
    errors.FlightDeparted: HTTPStatus.CONFLICT,
    errors.TooManyHolds: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TooManyHoldsFromSource: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    errors.SeatCoolingDown: HTTPStatus.TOO_MANY_REQUESTS,
    errors.StoreBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ServiceUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_RETRY_AFTER_S = "2"

type View = Callable[..., Response]


def answering_problems(view: View) -> View:
    """Decorates a route: what it raises becomes a problem document; an unforeseen error tells nothing of itself."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Response:
        try:
            return view(*args, **kwargs)
        except LelekaError as error:
            return _problem_of(error)
        except Exception as error:  # noqa: BLE001 - the last line of defence: logged here, told to nobody
            outcomes.tell(error, raised=False)
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "the request failed; nothing is known")

    return guarded


def chalice_errors_as_problems(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """HTTP middleware: Chalice's own refusals (method, media type) in the form of all others, and what it breaks at
    before a route is found."""
    try:
        response = get_response(event)
    except Exception as error:  # noqa: BLE001 - as above; a route's own errors have become answers already
        outcomes.tell(error, raised=False)
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "the request failed; nothing is known")
    body = response.body
    if response.status_code < 400 or not isinstance(body, dict) or "Code" not in body:
        return response
    answer = problem(HTTPStatus(response.status_code), body["Code"], str(body.get("Message", "")))
    if "Allow" in response.headers:
        answer.headers["Allow"] = response.headers["Allow"]
    return answer


def problem(status: HTTPStatus, name: str, detail: str, field: str | None = None) -> Response:
    """One problem document. ``name`` is the error's class name; it becomes the last part of ``type``."""
    errors_of_fields = [FieldError(field, detail)] if field else UNSET
    document = Problem(type_of(name), status.phrase, detail, int(status), errors_of_fields)
    headers: dict[str, str | list[str]] = {"Content-Type": "application/problem+json"}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = _RETRY_AFTER_S
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="booking"'
    return Response(body=msgspec.json.encode(document).decode(), status_code=int(status), headers=headers)


def status_of(error: type[LelekaError]) -> HTTPStatus:
    """The status that an error is answered with: a refusal that nothing else is said of is a conflict."""
    return STATUS.get(error, HTTPStatus.CONFLICT)


def type_of(name: str) -> str:
    """The ``type`` of the problem that an error of this class name is: ``FlightDeparted`` as ``…:flight-departed``."""
    return f"urn:leleka:problem:{_kebab(name)}"


def _problem_of(error: LelekaError) -> Response:
    status = status_of(type(error))
    field = error.field if isinstance(error, InvalidRequest) else None
    if isinstance(error, MissingIdempotencyKey):
        field = "Idempotency-Key"
    outcomes.tell(error, raised=False)
    answer = problem(status, type(error).__name__, str(error), field)
    if isinstance(error, TryLater):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
