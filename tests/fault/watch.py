"""Waiting for the ends of many executions."""

import threading
import time
from collections.abc import Callable

from tests.fault.local import Local

WAIT_S = 280.0
_LOOK_S = 0.8


def until(condition: Callable[[], bool], complaint: str, timeout_s: float = WAIT_S) -> None:
    """Waits as `eventually` does, but asks twice a second: so many wait that LocalStack would do nothing but answer."""
    until_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until_s, f"{complaint} within {timeout_s} s"
        time.sleep(0.5)


class Watch:
    """Which executions run now, asked for once for everybody who waits."""

    def __init__(self, local: Local) -> None:
        self._stage = local.stage
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._seen_s = 0.0

    def wait(self, arn: str) -> None:
        """Returns when the execution has ended."""
        began_s = time.monotonic()
        until(lambda: self.ended(arn, began_s), f"{arn.rpartition(':')[2]} does not end")

    def ended(self, arn: str, since_s: float) -> bool:
        """Whether the execution had ended when somebody looked last, which must be after ``since_s``."""
        with self._lock:
            if time.monotonic() > self._seen_s + _LOOK_S:
                sagas = (self._stage.saga_arn, self._stage.outputs["CancellationSagaArn"])
                asked_s = time.monotonic()
                self._running = {found for saga in sagas for found in self._list(saga)}
                self._seen_s = asked_s
            return self._seen_s > since_s and arn not in self._running

    def _list(self, saga: str) -> list[str]:
        pages = self._stage.orchestrator.get_paginator("list_executions").paginate(
            stateMachineArn=saga, statusFilter="RUNNING"
        )
        return [one["executionArn"] for page in pages for one in page["executions"]]
