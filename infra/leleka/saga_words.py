"""What is said of a saga's step, in a line of a log or beside it in a table."""

import math
from datetime import UTC, datetime

from chalicelib.api.history import UNDOES
from chalicelib.api.timeline import Note, Role, State, Step, awaits_customer

_WORDS = {
    State.WAITING: "waiting for its answer",
    State.UNANSWERED: "still paying, the hold is renewed",
    State.EXPIRED: "nobody paid in time",
    State.COMPENSATED: "compensated",
}


def happened(note: Note) -> str:
    """What has just happened to a step."""
    step = note.step
    lasted = f"({seconds(step.duration_s or 0.0)}{_tries(step)})"
    if note.what == State.RETRYING:
        return _attempt(step)
    if note.what == State.FAILED:
        return f"failed: {step.error} {lasted}"
    if note.what == State.SUCCEEDED:
        return f"succeeded {lasted}"
    if note.what in {State.UNANSWERED, State.EXPIRED} and step.duration_s:
        return f"{_words(step)} {lasted}"
    if note.what == "entered":
        return f"again, attempt {step.attempts_before + 1}" if step.attempts_before else "entered"
    return _words(step)


def remark(step: Step, pay_until: datetime | None, now: datetime) -> str:
    """How a step stands, as of ``now``; ``pay_until`` is the end of the hold, once known."""
    if awaits_customer(step):
        return time_to_pay(pay_until, now)
    if step.state is State.RETRYING or (step.state is State.RUNNING and step.error):
        return _attempt(step)
    if step.state is State.FAILED:
        return f"{step.error}{_tries(step)}"
    if step.state in _WORDS:
        return f"{_words(step)}{_tries(step)}"
    undoes = f"undoes {UNDOES[step.name][0]}" if step.role is Role.COMPENSATION else ""
    return f"{undoes}{_tries(step)}".removeprefix(", ")


def time_to_pay(pay_until: datetime | None, now: datetime) -> str:
    """How long the customer has, as ``m:ss``."""
    if pay_until is None:
        return "waiting for a payment method"
    left_s = max(0, math.ceil((pay_until - now).total_seconds()))
    return f"waiting for a payment method, {left_s // 60}:{left_s % 60:02d} left, until {clock(pay_until)[:8]} UTC"


def seconds(duration_s: float) -> str:
    """A duration; never negative, although two clocks may have measured it."""
    return f"{max(duration_s, 0.0):.2f} s"


def clock(at: datetime) -> str:
    """The time of day, UTC, to the millisecond."""
    return at.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]


def _words(step: Step) -> str:
    return "the seat goes back" if step.name == "HoldExpired" else _WORDS[step.state]


def _attempt(step: Step) -> str:
    return f"attempt {step.attempts_before + step.attempts}, after {step.error}"


def _tries(step: Step) -> str:
    if step.attempts_before:
        return f", attempt {step.attempts_before + step.attempts}"
    return f", {step.attempts} attempts" if step.attempts > 1 else ""
