"""The history of a Step Functions execution, told as a timeline of steps. Pure: events in, timeline out.

A step is one visit to a state. It is entered, tried one or more times, and left: succeeded, or failed with an error
that a Catch took over. A forward step counts as compensated once the step that undoes it has succeeded.
The cancellation saga undoes the steps of another execution: those are put before its own.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.api.timeline import Note, Outcome, Role, State, Step, Timeline

type HistoryEvent = Mapping[str, Any]

UNDOES = {
    "RefundPayment": ("ProcessPayment",),
    "ReleaseBaggage": ("ReserveBaggage",),
    "ReleaseSeat": ("ReserveSeat", "ConfirmSeat"),
    "CancelBooking": ("CreateBooking", "ConfirmBooking"),
}
"""What each compensation undoes."""

_NOTICES = frozenset({"NotifyHeld", "NotifyConfirmed", "NotifyCancelled", "NotifyOperator", "FlagBooking"})
_AT_ONCE = {"Succeed": State.SUCCEEDED, "Fail": State.FAILED, "Pass": State.EXPIRED}
"""States that do no work; the one Pass state, HoldExpired, puts the end of the hold into words."""

_OUT_OF_TIME = {"ProcessPayment": State.UNANSWERED, "AwaitPaymentMethod": State.EXPIRED}
"""Where running out of time is foreseen: the state machine goes on from there by a way of its own."""

_ENTERED = re.compile(r"(?P<kind>Task|Choice|Pass|Wait|Succeed|Fail|Parallel|Map)StateEntered")
_TRY_BEGAN = re.compile(r"(LambdaFunction|Task|Activity)Scheduled")
_TRY_FAILED = re.compile(r"(LambdaFunction|Task|Activity)(Failed|TimedOut|StartFailed|SubmitFailed|ScheduleFailed)")
_TRY_SUCCEEDED = re.compile(r"(LambdaFunction|Task|Activity)Succeeded")


_ENDS = {
    "ExecutionSucceeded": Outcome.SUCCEEDED,
    "ExecutionFailed": Outcome.FAILED,
    "ExecutionTimedOut": Outcome.TIMED_OUT,
    "ExecutionAborted": Outcome.ABORTED,
}


def timeline_of(events: Iterable[HistoryEvent]) -> Timeline:
    """The timeline after these events."""
    timeline, _ = advance(Timeline(), events)
    return timeline


def advance(timeline: Timeline, events: Iterable[HistoryEvent]) -> tuple[Timeline, list[Note]]:
    """The timeline after further events, and what they told. Events that it has seen already are passed over."""
    notes: list[Note] = []
    for event in sorted(events, key=lambda event: int(event["id"])):
        if event["id"] > timeline.last_event_id:
            timeline, news = _apply(timeline, event)
            timeline = replace(timeline, last_event_id=event["id"])
            notes += news
    return timeline, notes


def undone(timeline: Timeline, by: Timeline) -> Timeline:
    """The timeline of a booking as another execution left it, whose compensations are in ``by``."""
    names = {name for compensation in by.rolled_back for name in UNDOES[compensation]}
    steps = (replace(step, state=State.COMPENSATED) if _stands(step, names) else step for step in timeline.steps)
    return replace(timeline, steps=tuple(steps))


def _apply(timeline: Timeline, event: HistoryEvent) -> tuple[Timeline, list[Note]]:
    kind: str = event["type"]
    if kind == "ExecutionStarted":
        return replace(timeline, started_at=event["timestamp"]), []
    if kind in _ENDS:
        return _ended(timeline, event, _ENDS[kind])
    if entered := _ENTERED.fullmatch(kind):
        return _entered(timeline, event, entered["kind"])
    if not timeline.steps:
        return timeline, []
    if kind.endswith("StateExited"):
        return _exited(timeline, event)
    return _tried(timeline, event)


def _entered(timeline: Timeline, event: HistoryEvent, kind: str) -> tuple[Timeline, list[Note]]:
    name = event["stateEnteredEventDetails"]["name"]
    before = max((step.attempts_before + step.attempts for step in timeline.steps if step.name == name), default=0)
    step = Step(name, _role(name, kind), State.RUNNING, event["timestamp"], attempts_before=before)
    what = "entered"
    if kind in _AT_ONCE:
        step = replace(step, state=_AT_ONCE[kind], duration_s=0.0)
        what = step.state
    return replace(timeline, steps=(*timeline.steps, step)), [Note(event["timestamp"], step, what)]


def _tried(timeline: Timeline, event: HistoryEvent) -> tuple[Timeline, list[Note]]:
    kind, step = event["type"], timeline.steps[-1]
    if _TRY_BEGAN.fullmatch(kind):
        again = replace(step, state=State.RUNNING, attempts=step.attempts + 1)
        timeline, _ = _with(timeline, event, again, quiet=True)
        return timeline, [Note(event["timestamp"], again, State.RETRYING)] if step.attempts else []
    if _TRY_FAILED.fullmatch(kind):
        return _with(timeline, event, replace(step, state=State.RETRYING, error=_error(event)), quiet=True)
    if kind == "TaskSubmitted":
        return _with(timeline, event, replace(step, state=State.WAITING))
    if _TRY_SUCCEEDED.fullmatch(kind):
        return _with(timeline, event, replace(step, state=State.RUNNING, error=None), quiet=True)
    return timeline, []


def _exited(timeline: Timeline, event: HistoryEvent) -> tuple[Timeline, list[Note]]:
    step = timeline.steps[-1]
    if step.duration_s is not None:
        return timeline, []
    # No attempt follows a failed one: the failure went to a Catch.
    state = _failed(step) if step.state is State.RETRYING else State.SUCCEEDED
    timeline, notes = _with(timeline, event, _closed(step, state, event))
    if state is State.SUCCEEDED and step.role is Role.COMPENSATION:
        return _mark_compensated(timeline, event, notes, UNDOES[step.name])
    return timeline, notes


def _ended(timeline: Timeline, event: HistoryEvent, outcome: Outcome) -> tuple[Timeline, list[Note]]:
    notes: list[Note] = []
    if timeline.steps and timeline.steps[-1].duration_s is None:
        error = timeline.steps[-1].error or _error(event) or outcome.value
        step = replace(_closed(timeline.steps[-1], State.FAILED, event), error=error)
        timeline, notes = _with(timeline, event, step)
    begun: datetime = timeline.started_at or event["timestamp"]
    lasted_s = (event["timestamp"] - begun).total_seconds()
    return replace(timeline, outcome=outcome, error=_error(event), duration_s=lasted_s), notes


def _mark_compensated(
    timeline: Timeline, event: HistoryEvent, notes: list[Note], names: tuple[str, ...]
) -> tuple[Timeline, list[Note]]:
    steps = list(timeline.steps)
    for at, step in enumerate(steps):
        if _stands(step, names):
            steps[at] = replace(step, state=State.COMPENSATED)
            notes = [*notes, Note(event["timestamp"], steps[at], State.COMPENSATED)]
    return replace(timeline, steps=tuple(steps)), notes


def _stands(step: Step, names: Collection[str]) -> bool:
    return step.name in names and step.state is State.SUCCEEDED


def _with(timeline: Timeline, event: HistoryEvent, step: Step, *, quiet: bool = False) -> tuple[Timeline, list[Note]]:
    notes = [] if quiet else [Note(event["timestamp"], step, step.state)]
    return replace(timeline, steps=(*timeline.steps[:-1], step)), notes


def _closed(step: Step, state: State, event: HistoryEvent) -> Step:
    return replace(step, state=state, duration_s=(event["timestamp"] - step.entered_at).total_seconds())


def _failed(step: Step) -> State:
    return _OUT_OF_TIME.get(step.name, State.FAILED) if step.error == "States.Timeout" else State.FAILED


def _role(name: str, kind: str) -> Role:
    if kind in {"Choice", "Succeed", "Fail"}:
        return Role.CONTROL
    if name in UNDOES:
        return Role.COMPENSATION
    return Role.NOTICE if name in _NOTICES or kind == "Pass" else Role.FORWARD


def _error(event: HistoryEvent) -> str | None:
    """The error's name; each event type keeps it under its own key, ``taskFailedEventDetails`` and so on."""
    for key, details in event.items():
        if key.endswith("EventDetails") and isinstance(details, Mapping) and "error" in details:
            return str(details["error"])
    return None
