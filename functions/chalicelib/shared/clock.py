"""Time as the services see it: one function type, so that a test can pass its own."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

type Clock = Callable[[], int]
"""Returns the current instant in whole seconds since the epoch, UTC."""


def system_clock() -> int:
    """The machine's clock, in seconds."""
    return int(time.time())


def iso(epoch_s: int) -> str:
    """An instant as RFC 3339 text in UTC, for people and JSON."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat().replace("+00:00", "Z")
