"""Whose work a request is, for log, metrics and traces. As the API is one function that imports ``app.py``, this may be
middleware."""

from collections.abc import Callable
from typing import Any

from chalice.app import Response

from chalicelib.shared import log, trace
from chalicelib.shared.executions import booking_of

FUNCTION = "APIHandler"


def observed(request: Any, get_response: Callable[[Any], Response]) -> Response:
    """HTTP middleware: everything that a request causes is told as its own. Of the path only a booking's id is kept."""
    booking_id = booking_of((request.uri_params or {}).get("ref", ""))
    request_id = getattr(request.lambda_context, "aws_request_id", None)
    log.correlate(function=FUNCTION, request_id=request_id, booking_id=booking_id)
    with trace.subsegment(FUNCTION):
        log.info("begins", route=f"{request.method} {request.context['resourcePath']}")
        return get_response(request)
