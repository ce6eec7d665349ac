"""Python imports this by its name before a function's process does anything else: the way in for faults.

It is on the path only where a stack was started with the interpreter that :mod:`tests.fault.local` writes. It runs in
the functions' own environment, so it imports nothing of the tests.
"""

from typing import Any

from awslambdaric import bootstrap
from faults import with_faults  # type: ignore[import-not-found]  # it is beside this file, on the interpreter's path

_serve = bootstrap.handle_event_request


def _serve_with_faults(client: Any, handler: Any, *rest: Any, **options: Any) -> Any:
    return _serve(client, with_faults(handler), *rest, **options)


bootstrap.handle_event_request = _serve_with_faults
