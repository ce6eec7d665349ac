"""A booking from outside: follow its saga or its cancellation, read how it ended."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from rich.console import Console

from chalicelib.api.history import timeline_of
from chalicelib.api.timeline import Note, Timeline
from leleka.api_client import ApiClient
from leleka.api_types import Booking, Claim
from leleka.follow import FollowError, SagaNotFound, execution_arn, follow, new_events
from leleka.money import price
from leleka.render_saga import draw
from leleka.stage import Stage

type News = Iterable[tuple[Timeline, list[Note]]]
type OnHeld = Callable[[Booking], object]


@dataclass(frozen=True)
class Ending:
    """A booking whose saga has ended."""

    booking: Booking
    timeline: Timeline

    @property
    def confirmed(self) -> bool:
        """Whether the customer has the seat."""
        return self.booking.status == "CONFIRMED"


@dataclass(frozen=True)
class Journey:
    """A booking to be followed for ``timeout_s``, and where to draw it: nowhere if ``console`` is None."""

    stage: Stage
    api: ApiClient
    claim: Claim
    booking_id: str
    timeout_s: float
    console: Console | None

    def watch(self, on_held: OnHeld | None = None) -> Ending:
        """Follows the booking's saga to its end. ``on_held`` is called once, when it waits for a payment method.

        Raises:
            FollowError: there is no such saga, or it runs longer than ``timeout_s``.
            ApiError: the booking could not be read.
        """
        execution = execution_arn(self.stage.saga_arn, self.booking_id)
        news = follow(self.stage.orchestrator, execution, timeout_s=self.timeout_s)
        return self._to_the_end(self._with_hold(news, on_held))

    def watch_cancellation(self) -> Ending:
        """Follows the cancellation saga to its end, drawn as what it is: the booking's own steps, undone.

        Raises:
            SagaNotFound: nobody has asked for a cancellation of the confirmed booking.
            FollowError: it runs longer than ``timeout_s``.
            ApiError: the booking could not be read.
        """
        sfn = self.stage.orchestrator
        try:
            booked = timeline_of(new_events(sfn, execution_arn(self.stage.saga_arn, self.booking_id), 0))
        except SagaNotFound:  # Step Functions forgets after 90 days
            booked = Timeline()
        execution = execution_arn(_cancellation_saga(self.stage), self.booking_id)
        begun = Timeline(booked.steps)
        return self._to_the_end(follow(sfn, execution, timeout_s=self.timeout_s, begun=begun))

    def _to_the_end(self, news: News) -> Ending:
        timeline = Timeline()
        if self.console is not None:
            timeline = draw(self.console, news)
        else:
            for timeline, _ in news:  # noqa: B007 - the last one counts
                pass
        return Ending(self.api.booking(self.claim), timeline)

    def _with_hold(self, news: News, on_held: OnHeld | None) -> Iterator[tuple[Timeline, list[Note]]]:
        pay_until: datetime | None = None
        held: Booking | None = None
        for timeline, notes in news:
            newly_held = timeline.awaits_customer and held is None
            if newly_held:
                held = self.api.booking(self.claim)
                pay_until = held.hold_expires_at
            yield replace(timeline, pay_until=pay_until), notes
            if newly_held and held and on_held:
                on_held(held)


def summary(ending: Ending) -> str:
    """One line: how it ended, and what was undone."""
    booking = ending.booking
    line = f"{booking.status} {booking.record_locator} {booking.booking_id}: seat {booking.seat} on {booking.flight_id}"
    if ending.confirmed:
        return f"{line}, {price(booking.amount_minor, booking.currency)}"
    undone = ", ".join(ending.timeline.rolled_back) or "nothing"
    line = f"{line}; reason: {booking.reason or ending.timeline.error or 'unknown'}; rolled back: {undone}"
    return f"{line}; refunded {price(booking.refunded_minor, booking.currency)}" if booking.refunded_minor else line


def as_document(ending: Ending) -> dict[str, Any]:
    """The ending as JSON: the booking, and its saga with times in seconds."""
    timeline = ending.timeline
    return {
        "booking": msgspec.to_builtins(ending.booking),
        "saga": {
            "outcome": timeline.outcome,
            "error": timeline.error,
            "seconds": timeline.duration_s,
            "rolled_back": timeline.rolled_back,
            "steps": [
                {
                    "name": step.name,
                    "role": step.role,
                    "state": step.state,
                    "attempts": step.attempts,
                    "attempts_before": step.attempts_before,
                    "error": step.error,
                    "seconds": step.duration_s,
                }
                for step in timeline.steps
            ],
        },
    }


def _cancellation_saga(stage: Stage) -> str:
    try:
        return stage.outputs["CancellationSagaArn"]
    except KeyError as missing:
        raise FollowError(f"stage {stage.name} has no cancellation saga; run: leleka deploy") from missing
