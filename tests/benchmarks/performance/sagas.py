"""How long a booking took, told by its own execution's history: nothing looks at it while it runs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leleka.stage import Stage
from tests.functional.customer import execution_arn


@dataclass(frozen=True)
class Told:
    """One booking.

    Attributes:
        answered_ms: from the request to the API's answer.
        confirmed_ms: from the request to the end of ConfirmBooking.
        states_ms: what each state took, by name, in the order of the saga.
    """

    answered_ms: float
    confirmed_ms: float
    states_ms: dict[str, float]


def told(stage: Stage, booking_id: str, began_s: float, answered_s: float) -> Told:
    """The booking's times. Both instants are of the wall clock, as the history's are.

    Raises:
        AssertionError: it was not confirmed.
    """
    pages = stage.orchestrator.get_paginator("get_execution_history").paginate(
        executionArn=execution_arn(stage, booking_id)
    )
    events = [event for page in pages for event in page["events"]]
    left = {event["stateExitedEventDetails"]["name"]: event["timestamp"] for event in events if _leaves(event)}
    entered = {event["stateEnteredEventDetails"]["name"]: event["timestamp"] for event in events if _enters(event)}
    assert "ConfirmBooking" in left, f"{booking_id} was not confirmed: {list(entered)}"
    states_ms = {name: _ms(at, left[name]) for name, at in entered.items() if name in left}
    return Told((answered_s - began_s) * 1000, (left["ConfirmBooking"].timestamp() - began_s) * 1000, states_ms)


def _enters(event: Any) -> bool:
    return "stateEnteredEventDetails" in event


def _leaves(event: Any) -> bool:
    return "stateExitedEventDetails" in event


def _ms(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() * 1000
