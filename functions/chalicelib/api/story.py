"""What ran for one booking: its saga, and whatever undid it.

Each look at an execution is a request to Step Functions, which allows few a second, and a page asks again and again.
So what can't exist is not looked for: while a saga is under way, a story costs one look.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from chalicelib.api.history import timeline_of, undone
from chalicelib.api.models import History, Saga
from chalicelib.api.timeline import Outcome, Timeline
from chalicelib.shared.errors import ServiceUnavailable

NUMBERED_MAX = 5
"""How many settlements, and how many redrives, are looked for. There are no more settlements; an operator may drive a
booking again more often, and looks at that with other tools."""
_BUDGET_S = 4.0


class Kind(StrEnum):
    """What an execution is to its booking."""

    SAGA = "saga"
    CANCELLATION = "cancellation"
    SETTLEMENT = "settlement"
    REDRIVE = "redrive"


@dataclass(frozen=True)
class Execution:
    """One execution, as far as it has come."""

    kind: Kind
    arn: str
    started_at: datetime
    timeline: Timeline

    @property
    def running(self) -> bool:
        """Whether it may still change something."""
        return self.timeline.outcome is Outcome.RUNNING


class Histories(Protocol):
    """Who knows what executions did."""

    def history(self, saga: Saga, name: str) -> History: ...


def story_of(
    booking: dict[str, Any], histories: Histories, monotonic: Callable[[], float] = time.monotonic
) -> list[Execution]:
    """The booking's executions in the order in which they began.

    Raises:
        ServiceUnavailable: the orchestrator is busy, or too slow; the same may be asked again.
    """
    booking_id, until_s = booking["booking_id"], monotonic() + _BUDGET_S
    story: list[Execution] = []

    def look(kind: Kind, saga: Saga, name: str) -> bool:
        if monotonic() >= until_s:
            raise ServiceUnavailable("the orchestrator answers too slowly to tell how the saga stands")
        history = histories.history(saga, name)
        timeline = timeline_of(history.events)
        if timeline.started_at is None:
            return False
        story.append(Execution(kind, history.execution_arn, timeline.started_at, timeline))
        return True

    look(Kind.SAGA, Saga.BOOKING, booking_id)
    if "amount_minor" in booking:  # it was confirmed once; only then a saga of its own cancels it
        look(Kind.CANCELLATION, Saga.CANCELLATION, booking_id)
    if _may_be_settled(booking["status"], story):
        for kind, infix in ((Kind.SETTLEMENT, "settle"), (Kind.REDRIVE, "redrive")):
            for number in range(1, NUMBERED_MAX + 1):
                if not look(kind, Saga.CANCELLATION, f"{booking_id}-{infix}-{number}"):
                    break  # numbers are given without a gap
    return _with_undone(sorted(story, key=lambda each: each.started_at))


def _may_be_settled(status: str, story: list[Execution]) -> bool:
    """Whether the reconciler or an operator may have begun something: they begin when nothing runs any more."""
    if status in {"CANCELLED", "NEEDS_ATTENTION"}:
        return True  # a saga that was stopped may seem to run for a while, beside what finished the booking
    if any(each.running for each in story) or (status == "REQUESTED" and not story):
        return False
    # Of a confirmed booking only a cancellation that broke is anybody's business.
    return status != "CONFIRMED" or any(each.kind is Kind.CANCELLATION for each in story)


def _with_undone(story: list[Execution]) -> list[Execution]:
    undoing = [each.timeline for each in story if each.kind is not Kind.SAGA]
    for at, each in enumerate(story):
        if each.kind is Kind.SAGA:
            timeline = each.timeline
            for by in undoing:
                timeline = undone(timeline, by)
            story[at] = replace(each, timeline=timeline)
    return story
