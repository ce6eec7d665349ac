"""Another service's work in the caller's own process, by the same JSON as if its function were called.

Worth it where each booking would pay for one more invocation (docs/adr/0015); whose code and whose tables they are
does not change.
"""

from collections.abc import Callable
from typing import Any

import msgspec


def nearby[Command: msgspec.Struct, Result](
    command_type: type[Command], work: Callable[[Command], Result]
) -> Callable[[Any], Any]:
    """``work(command) -> result`` as ``(JSON value) -> JSON value``; what ``work`` raises goes on as it is."""

    def call(command: Any) -> Any:
        return msgspec.to_builtins(work(msgspec.convert(command, command_type)))

    return call
