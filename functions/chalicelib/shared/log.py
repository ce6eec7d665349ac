"""One JSON object a line on stdout, which is CloudWatch's input. No personal data and no secret is ever logged.

Every line carries whose work it tells of: the function, the request, the booking and the execution, as far as they are
known. Metrics, traces and calls of other functions take that from here too.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger

_CALLER = 3  # frames from Powertools' own up to whoever calls this module

_correlation: dict[str, str] = {}
_logger = Logger(service="leleka", utc=True, use_rfc3339=True, serialize_stacktrace=False)


def correlate(**fields: str | None) -> None:
    """Sets the fields that every following line carries, in place of the last invocation's."""
    _correlation.clear()
    also_correlate(**fields)


def also_correlate(**fields: str | None) -> None:
    """Adds what has become known of whose work this is."""
    _correlation.update({name: value for name, value in fields.items() if value is not None})
    _logger.clear_state()
    _logger.append_keys(**_correlation)


@contextmanager
def about(**fields: str | None) -> Iterator[None]:
    """Adds these fields for a block, of which one invocation may have several."""
    before = dict(_correlation)
    also_correlate(**fields)
    try:
        yield
    finally:
        correlate(**before)


def correlation() -> Mapping[str, str]:
    """The fields that every line carries now."""
    return _correlation


def function() -> str:
    """The function at work; a test may carry out its logic without one."""
    return _correlation.get("function", "none")


def info(message: str, **fields: Any) -> None:
    """Logs what happened."""
    _logger.info(message, extra=fields, stacklevel=_CALLER)


def warning(message: str, **fields: Any) -> None:
    """Logs what an operator may want to know but need not act on."""
    _logger.warning(message, extra=fields, stacklevel=_CALLER)


def exception(message: str, **fields: Any) -> None:
    """Logs the exception that is being handled, with its trace: somebody has to look."""
    _logger.exception(message, extra=fields, stacklevel=_CALLER)
