"""Where time goes, for X-Ray: a subsegment an invocation or message, found by its booking and execution.

The X-Ray SDK costs a function that is starting a tenth of its time (docs/adr/0013), so only an invocation that X-Ray
has chosen imports it.
"""

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chalicelib.shared import log

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer


@contextmanager
def subsegment(function: str) -> Iterator[None]:
    """Records the block under the function's name, if this invocation is traced. Neither event nor answer is recorded,
    since they may carry a lock's secret."""
    if not _is_sampled():
        yield
        return
    with _tracer().provider.in_subsegment(f"## {function}") as segment:
        try:
            yield
        finally:  # by now the booking is known, also where it had to be looked up
            for name, value in log.correlation().items():
                segment.put_annotation(name, value)


def _is_sampled() -> bool:
    chosen = "Sampled=1" in os.environ.get("_X_AMZN_TRACE_ID", "")
    return chosen and "AWS_XRAY_DAEMON_ADDRESS" in os.environ


@functools.cache
def _tracer() -> "Tracer":
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 - as the module says

    return Tracer(service="leleka", patch_modules=("botocore",))
