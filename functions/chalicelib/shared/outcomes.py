"""How an invocation or a message ended, told to log and metrics.

A refusal is an answer, and so is "ask again". Both go to the caller as exceptions, which Lambda counts among a
function's errors; ``ExpectedErrors`` counts them too, so that what is left of Lambda's count is what broke.
"""

from chalicelib.shared import log, metrics
from chalicelib.shared.errors import Refusal, Transient


def tell(error: Exception, *, raised: bool) -> None:
    """Tells of the error that ends this invocation or message. ``raised`` if Lambda will count it as well."""
    name = type(error).__name__
    if not isinstance(error, Refusal | Transient):
        log.exception("it broke", error=name)
        metrics.count("Faults", function=log.function())
        return
    log.warning("ended without effect or verdict", error=name, detail=str(error))
    kind = "Refusals" if isinstance(error, Refusal) else "Transients"
    metrics.count_outcome(kind, *(["ExpectedErrors"] if raised else []), error=name)
