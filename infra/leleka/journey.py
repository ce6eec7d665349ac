"""A booking from outside: ask for it, follow its saga, read how it ended."""

from dataclasses import dataclass
from typing import Any

import msgspec
from rich.console import Console

from leleka.api_client import ApiClient, Booking
from leleka.follow import execution_arn, follow
from leleka.money import price
from leleka.render_saga import draw
from leleka.stage import Stage
from leleka.timeline import Timeline


@dataclass(frozen=True)
class Ending:
    """A booking whose saga has ended."""

    booking: Booking
    timeline: Timeline

    @property
    def confirmed(self) -> bool:
        """Whether the customer has the seat."""
        return self.booking.status == "CONFIRMED"


def watch(stage: Stage, api: ApiClient, booking_id: str, timeout_s: float, console: Console | None) -> Ending:
    """Follows the booking's saga to its end, drawing it on ``console`` if there is one.

    Raises:
        FollowError: there is no such saga, or it runs longer than ``timeout_s``.
        ApiError: the booking could not be read.
    """
    news = follow(stage.orchestrator, execution_arn(stage.saga_arn, booking_id), timeout_s=timeout_s)
    timeline = Timeline()
    if console is not None:
        timeline = draw(console, news)
    else:
        for timeline, _ in news:  # noqa: B007 - the last one counts
            pass
    return Ending(api.booking(booking_id), timeline)


def summary(ending: Ending) -> str:
    """One line: how it ended, and what was undone."""
    booking = ending.booking
    line = f"{booking.status} {booking.booking_id}: seat {booking.seat} on {booking.flight_id}"
    if ending.confirmed:
        return f"{line}, {price(booking.amount_minor, booking.currency)}"
    undone = ", ".join(ending.timeline.rolled_back) or "nothing"
    return f"{line}; reason: {booking.reason or ending.timeline.error or 'unknown'}; rolled back: {undone}"


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
                    "error": step.error,
                    "seconds": step.duration_s,
                }
                for step in timeline.steps
            ],
        },
    }
