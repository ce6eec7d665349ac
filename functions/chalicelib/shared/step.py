"""The wrapper of every saga function: event in, typed command through, plain JSON out.

It is an explicit decorator, not Chalice middleware: AWS calls a blueprint's function by its own module path and never
imports ``app.py``, so middleware registered there would run in tests and nowhere else.
"""

import functools
from collections.abc import Callable
from typing import Any

import msgspec

from chalicelib.shared import log
from chalicelib.shared.errors import InvalidRequest, LelekaError


def step[Command: msgspec.Struct, Result](
    command_type: type[Command],
) -> Callable[[Callable[[Command], Result]], Callable[[Any, Any], Any]]:
    """Decorates ``work(command) -> result`` into a Lambda handler ``(event, context) -> JSON value``.

    Raises (from the handler):
        InvalidRequest: the event does not fit ``command_type``; nothing was done.
        LelekaError: whatever ``work`` raises goes on under its own class name, which is what Catch and Retry match.
    """

    def decorate(work: Callable[[Command], Result]) -> Callable[[Any, Any], Any]:
        @functools.wraps(work)
        def handler(event: Any, context: Any) -> Any:
            log.correlate(
                function=work.__name__,
                request_id=getattr(context, "aws_request_id", None),
                booking_id=event.get("booking_id") if isinstance(event, dict) else None,
            )
            try:
                result = work(_parse(event, command_type))
            except LelekaError as error:
                log.warning("step ended without effect or verdict", error=type(error).__name__, detail=str(error))
                raise
            except Exception:
                log.logger.exception("step failed")
                raise
            return msgspec.to_builtins(result)

        return handler

    return decorate


def _parse[Command: msgspec.Struct](event: Any, command_type: type[Command]) -> Command:
    try:
        return msgspec.convert(event, command_type)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{command_type.__name__}: {error}") from error
