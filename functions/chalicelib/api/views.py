"""What the API shows: instants as RFC 3339 text, prices beside seats, nothing that is only ours to know."""

import re
from datetime import UTC, datetime
from typing import Any

from chalicelib.api.story import Execution
from chalicelib.api.timeline import Step
from chalicelib.shared.clock import iso

_ERROR_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")


def flight_view(flight: dict[str, Any]) -> dict[str, Any]:
    """A flight for the customer."""
    shown = {name: value for name, value in flight.items() if not name.endswith("_at_s")}
    return {**shown, "departs_at": iso(flight["departs_at_s"]), "arrives_at": iso(flight["arrives_at_s"])}


def seat_view(seat: dict[str, Any], fares: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A seat with its price; without one where its cabin is not on sale."""
    fare = fares.get(seat["cabin"])
    if fare is None:
        return seat
    price_minor = fare["exit_row_seat_minor"] if seat["exit_row"] else fare["seat_minor"]
    return {**seat, "price_minor": price_minor, "currency": fare["currency"]}


def fare_view(fare: dict[str, Any]) -> dict[str, Any]:
    """What a cabin of a flight costs: a seat, one in an exit row, each bag."""
    return {name: fare[name] for name in ("cabin", "currency", "seat_minor", "exit_row_seat_minor", "bag_minor")}


def booking_view(booking: dict[str, Any]) -> dict[str, Any]:
    """A booking for its customer."""
    shown = {name: value for name, value in booking.items() if not name.endswith("_at_s")}
    instants = {name.removesuffix("_s"): iso(value) for name, value in booking.items() if name.endswith("_at_s")}
    reason = {"reason": _code(booking["reason"])} if booking.get("reason") else {}
    return {**shown, **instants, **reason}


def execution_view(execution: Execution) -> dict[str, Any]:
    """An execution with its steps; of an error its name, since its cause is only ours to know."""
    timeline = execution.timeline
    return {
        "kind": execution.kind,
        "execution_id": execution.arn,
        "outcome": timeline.outcome,
        "error": _error(timeline.error),
        "started_at": _instant(execution.started_at),
        "duration_s": _duration_s(timeline.duration_s),
        "steps": [_step_view(step) for step in timeline.steps],
    }


def _step_view(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "role": step.role,
        "state": step.state,
        "entered_at": _instant(step.entered_at),
        "duration_s": _duration_s(step.duration_s),
        "attempts": step.attempts,
        "attempts_before": step.attempts_before,
        "error": _error(step.error),
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _duration_s(duration_s: float | None) -> float | None:
    return duration_s if duration_s is None else round(max(duration_s, 0.0), 3)


def _error(name: str | None) -> str | None:
    """A name that is no name may be a text with anything in it."""
    return name if name is None or _ERROR_NAME.fullmatch(name) else "Error"


def _code(error_name: str) -> str:
    """``HoldExpired`` as ``HOLD_EXPIRED``: a reason is a code of the API, not a class of ours."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", error_name.rpartition(".")[2]).upper()
