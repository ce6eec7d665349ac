"""What an operator hears when seats are sold without the lock."""

import time
from collections.abc import Callable

from chalicelib.locking import Trouble
from chalicelib.shared import log, metrics

WINDOW_S = 60.0


class FallbackReports:
    """Counts each time that the database decided alone, and logs it once a window."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quiet_until_s = float("-inf")

    def __call__(self, trouble: Trouble) -> None:
        """The lock gave no answer, and the database decides alone."""
        metrics.count("LockFallback", trouble=trouble.name)
        now_s = self._clock()
        if now_s < self._quiet_until_s:
            return
        self._quiet_until_s = now_s + WINDOW_S
        log.warning("the seat lock gives no answer; the database decides alone", trouble=trouble.value)
