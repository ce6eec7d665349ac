"""A saga as people see it: its steps in order, how each stands, how often it was tried, how long it took."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a step is for."""

    FORWARD = "forward"
    COMPENSATION = "compensation"
    NOTICE = "notice"
    CONTROL = "control"
    """A choice or an end: it does no work of its own."""


class State(StrEnum):
    """How a step stands."""

    RUNNING = "running"
    RETRYING = "retrying"
    """An attempt failed; either another one follows after a pause, or a Catch takes over at once."""
    WAITING = "waiting"
    """Handed over; the answer comes with a task token."""
    UNANSWERED = "unanswered"
    """No answer in the time of one tick; the hold is renewed and the same is asked again. No failure."""
    EXPIRED = "expired"
    """Waited in vain for the customer."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    COMPENSATED = "compensated"


class Outcome(StrEnum):
    """How the execution stands, in Step Functions' words."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


@dataclass(frozen=True)
class Step:
    """One visit to a state. ``error`` is the name of the last attempt's error, also while another attempt runs;
    ``attempts_before`` were made in earlier visits to the same state."""

    name: str
    role: Role
    state: State
    entered_at: datetime
    attempts: int = 0
    error: str | None = None
    duration_s: float | None = None
    attempts_before: int = 0


@dataclass(frozen=True)
class Timeline:
    """The steps in the order in which they were entered, and how the whole ended. ``pay_until`` is when the hold ends,
    which the saga's history does not tell."""

    steps: tuple[Step, ...] = ()
    outcome: Outcome = Outcome.RUNNING
    error: str | None = None
    started_at: datetime | None = None
    duration_s: float | None = None
    last_event_id: int = 0
    pay_until: datetime | None = None

    @property
    def awaits_customer(self) -> bool:
        """Whether it stands still until the customer pays."""
        return bool(self.steps) and awaits_customer(self.steps[-1])

    @property
    def rolled_back(self) -> list[str]:
        """The compensations that succeeded, in the order in which they ran."""
        return [s.name for s in self.steps if s.role is Role.COMPENSATION and s.state is State.SUCCEEDED]


def awaits_customer(step: Step) -> bool:
    """Whether this step waits for a payment method."""
    return step.name == "AwaitPaymentMethod" and step.state is State.WAITING


@dataclass(frozen=True)
class Note:
    """One thing that happened to a step; ``what`` is ``entered`` or the state that the step went into."""

    at: datetime
    step: Step
    what: str
