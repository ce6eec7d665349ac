"""One JSON object a line on stdout, which is CloudWatch's input. No personal data is ever logged."""

import json
import logging
import sys
from contextvars import ContextVar
from typing import Any

_context: ContextVar[dict[str, Any]] = ContextVar("log_context", default={})  # noqa: B039 - it is never changed in place


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"level": record.levelname, "message": record.getMessage(), **_context.get()}
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _build() -> logging.Logger:
    logger = logging.getLogger("leleka")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger


logger = _build()


def correlate(**fields: Any) -> None:
    """Sets the fields that every following line of this invocation carries, in place of the last invocation's."""
    _context.set({name: value for name, value in fields.items() if value is not None})


def info(message: str, **fields: Any) -> None:
    """Logs what happened."""
    logger.info(message, extra={"fields": fields})


def warning(message: str, **fields: Any) -> None:
    """Logs what an operator may want to know but need not act on."""
    logger.warning(message, extra={"fields": fields})
