"""Headers of every answer, whoever wrote it: the one place. API Gateway's own answers carry the same, by the template.

A route says more where it has to: the page what it may load, a file of the page how long it may be kept.
"""

from collections.abc import Callable
from typing import Any

from chalice.app import Response

ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""What holds where a route says nothing else: an answer is data, not to be kept, rendered or guessed at."""


def guard_headers(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """HTTP middleware, the outermost one: adds what an answer does not say itself."""
    response = get_response(event)
    response.headers = {**ALWAYS, **response.headers}
    return response
