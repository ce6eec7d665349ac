"""Errors to HTTP: the one file that knows which error is which status. Answers are RFC 9457 problem documents."""

import functools
import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib.api.pages import FileNotServed
from chalicelib.api.requests import BodyTooLarge, MalformedJson, MissingIdempotencyKey, MissingSecret
from chalicelib.shared import errors, log
from chalicelib.shared.errors import InvalidRequest, LelekaError

_STATUS: dict[type[LelekaError], HTTPStatus] = {
    MissingSecret: HTTPStatus.UNAUTHORIZED,
    MalformedJson: HTTPStatus.BAD_REQUEST,
    MissingIdempotencyKey: HTTPStatus.BAD_REQUEST,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    FileNotServed: HTTPStatus.NOT_FOUND,
    errors.BookingNotFound: HTTPStatus.NOT_FOUND,
    errors.FlightNotFound: HTTPStatus.NOT_FOUND,
    errors.SeatNotFound: HTTPStatus.NOT_FOUND,
    errors.FlightDeparted: HTTPStatus.CONFLICT,
    errors.StoreBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ServiceUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_HEADERS = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
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
        except Exception:  # noqa: BLE001 - the last line of defence: logged here, told to nobody
            log.logger.exception("request failed")
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "the request failed; nothing is known")

    return guarded


def chalice_errors_as_problems(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """HTTP middleware: Chalice's own refusals (method, media type) in the form of all others."""
    response = get_response(event)
    body = response.body
    if response.status_code < 400 or not isinstance(body, dict) or "Code" not in body:
        return response
    answer = problem(HTTPStatus(response.status_code), body["Code"], str(body.get("Message", "")))
    if "Allow" in response.headers:
        answer.headers["Allow"] = response.headers["Allow"]
    return answer


def problem(status: HTTPStatus, name: str, detail: str, field: str | None = None) -> Response:
    """One problem document. ``name`` is the error's class name; it becomes the last part of ``type``."""
    document: dict[str, Any] = {
        "type": f"urn:leleka:problem:{_kebab(name)}",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
    }
    if field:
        document["errors"] = [{"field": field, "detail": detail}]
    headers: dict[str, str | list[str]] = {**_HEADERS}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = _RETRY_AFTER_S
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="booking"'
    return Response(body=json.dumps(document), status_code=int(status), headers=headers)


def _problem_of(error: LelekaError) -> Response:
    status = _STATUS.get(type(error), HTTPStatus.CONFLICT)
    field = error.field if isinstance(error, InvalidRequest) else None
    if isinstance(error, MissingIdempotencyKey):
        field = "Idempotency-Key"
    log.info("request refused", error=type(error).__name__, status=int(status))
    return problem(status, type(error).__name__, str(error), field)


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
