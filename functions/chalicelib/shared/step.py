"""The wrappers of every function: event in, typed command through, plain JSON out; and whose work it is, for all that
observes it.

They are explicit decorators, not Chalice middleware: AWS calls a blueprint's function by its own module path and never
imports ``app.py``, so middleware registered there would run in tests and nowhere else.
"""

import functools
from collections.abc import Callable
from typing import Any

import msgspec

from chalicelib.shared import log, outcomes, trace
from chalicelib.shared.errors import InvalidRequest
from chalicelib.shared.executions import ENVELOPE, booking_of


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
            given = _correlated(event, function_name(work), context)
            with trace.subsegment(function_name(work)):
                log.info("begins")  # ties the request, by which Lambda tells of a crash, to the booking
                try:
                    return msgspec.to_builtins(work(_parse(given, command_type)))
                except Exception as error:
                    outcomes.tell(error, raised=True)
                    raise

        return handler

    return decorate


def messages[Command](command_type: Any) -> Callable[[Callable[[Command], None]], Callable[[Any, Any], Any]]:
    """Decorates ``work(command) -> None`` into a Lambda handler of messages from SQS. A message whose work ends in an
    error is reported, and comes again."""

    def decorate(work: Callable[[Command], None]) -> Callable[[Any, Any], Any]:
        def done(record: dict[str, Any], context: Any) -> bool:
            try:
                given = _correlated(msgspec.json.decode(record["body"]), function_name(work), context)
                with trace.subsegment(function_name(work)):
                    log.info("begins", message_id=record["messageId"])
                    work(msgspec.convert(given, command_type))
            except Exception as error:  # noqa: BLE001 - one bad message must not fail its batch; it is told and reported
                outcomes.tell(error, raised=False)
                return False
            return True

        @functools.wraps(work)
        def handler(event: Any, context: Any) -> Any:
            log.correlate(function=function_name(work), request_id=context.aws_request_id)
            failed = [record["messageId"] for record in event["Records"] if not done(record, context)]
            return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

        return handler

    return decorate


def function_name(work: Callable[..., Any]) -> str:
    """The name under which the function is registered: ``reserve_seat`` is ReserveSeat."""
    return work.__name__.title().replace("_", "")


def _correlated(event: Any, function: str, context: Any) -> Any:
    """The event without its envelope, which from now on is on every line."""
    given = dict(event) if isinstance(event, dict) else {}
    execution_id = given.pop(ENVELOPE, None)
    booking_id = given.get("booking_id") or (booking_of(execution_id) if isinstance(execution_id, str) else None)
    log.correlate(
        function=function, request_id=context.aws_request_id, booking_id=booking_id, execution_id=execution_id
    )
    return given if isinstance(event, dict) else event


def _parse[Command: msgspec.Struct](event: Any, command_type: type[Command]) -> Command:
    try:
        return msgspec.convert(event, command_type)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{command_type.__name__}: {error}") from error
