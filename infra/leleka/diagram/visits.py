"""The history of an execution as visits to its states, each with its tries: what the timeline tells, try by try."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from chalicelib.api.history import HistoryEvent, advance
from chalicelib.api.timeline import Outcome, Role, State, Step, Timeline


class Result(Enum):
    """What came of a try."""

    OPEN = auto()
    """Nothing yet, or nothing any more: the execution was ended meanwhile."""
    ANSWERED = auto()
    FAILED = auto()


@dataclass
class Try:
    """One attempt of a step. ``handed_over`` is whether what was called has taken a command."""

    began_at: datetime
    handed_over: bool = False
    result: Result = Result.OPEN
    error: str = ""
    ended_at: datetime | None = None

    @property
    def duration_s(self) -> float:
        """How long it took; nothing while it is open."""
        return (self.ended_at - self.began_at).total_seconds() if self.ended_at else 0.0

    def end(self, result: Result, at: datetime, error: str = "") -> None:
        """What came of it."""
        self.result, self.ended_at, self.error = result, at, error


@dataclass
class Visit:
    """One visit to a state. ``again`` is whether it was tried in an earlier visit, too."""

    name: str
    role: Role
    again: bool
    tries: list[Try] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """One execution. ``kind`` is saga, cancellation, settlement or redrive."""

    kind: str
    name: str
    visits: tuple[Visit, ...]
    outcome: Outcome
    error: str | None
    began_at: datetime | None
    duration_s: float | None


def run_of(kind: str, name: str, events: Iterable[HistoryEvent]) -> Run:
    """An execution, from its history."""
    visits: list[Visit] = []
    timeline = Timeline()
    for event in sorted(events, key=lambda event: int(event["id"])):
        known = len(timeline.steps)
        before = timeline.steps[-1] if known else None
        timeline, _ = advance(timeline, [event])
        if len(timeline.steps) > known:
            step = timeline.steps[-1]
            visits.append(Visit(step.name, step.role, step.attempts_before > 0))
        elif before:
            _note(visits[-1], before, timeline.steps[known - 1], event["timestamp"])
    began_at, lasted_s = timeline.started_at, timeline.duration_s
    return Run(kind, name, tuple(visits), timeline.outcome, timeline.error, began_at, lasted_s)


def _note(visit: Visit, before: Step, step: Step, at: datetime) -> None:
    """What one event has changed of the step that is visited."""
    if step.attempts > before.attempts:
        visit.tries.append(Try(at))
    if not visit.tries:
        return
    last = visit.tries[-1]
    if step.state is State.WAITING:
        last.handed_over = True
    elif step.state is State.RETRYING and last.result is Result.OPEN:
        last.end(Result.FAILED, at, step.error or "an error without a name")
    elif step.state in {State.SUCCEEDED, State.COMPENSATED} and last.result is Result.OPEN:
        last.end(Result.ANSWERED, at)
