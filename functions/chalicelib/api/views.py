"""What the API shows: instants as RFC 3339 text, prices beside seats, nothing that is only ours to know."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.api import answers
from chalicelib.api.story import Execution
from chalicelib.api.timeline import Step
from chalicelib.shared.clock import iso

_ERROR_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")


def flight_view(flight: dict[str, Any]) -> answers.Flight:
    """A flight for the customer."""
    told = ("flight_id", "number", "origin", "destination", "departs_local", "arrives_local", "aircraft", "distance_km")
    return answers.Flight(
        departs_at=iso(flight["departs_at_s"]),
        arrives_at=iso(flight["arrives_at_s"]),
        **{name: flight[name] for name in told},
    )


def seat_view(seat: dict[str, Any], fares: dict[str, dict[str, Any]]) -> answers.Seat:
    """A seat with its price; without one where its cabin is not on sale."""
    told = {name: seat[name] for name in ("seat", "row", "letter", "cabin", "position", "exit_row", "status")}
    fare = fares.get(seat["cabin"])
    if fare is None:
        return answers.Seat(**told)
    price_minor = fare["exit_row_seat_minor"] if seat["exit_row"] else fare["seat_minor"]
    return answers.Seat(**told, price_minor=price_minor, currency=fare["currency"])


def fare_view(fare: dict[str, Any]) -> answers.Fare:
    """What a cabin of a flight costs."""
    told = ("cabin", "currency", "seat_minor", "exit_row_seat_minor", "bag_minor")
    return answers.Fare(**{name: fare[name] for name in told})


def booking_view(booking: dict[str, Any]) -> answers.Booking:
    """A booking for its customer."""
    told = ("booking_id", "record_locator", "status", "flight_id", "seat", "bags")
    money = ("amount_minor", "currency", "refunded_minor")
    later: dict[str, Any] = {name: booking[name] for name in money if name in booking}
    if "hold_expires_at_s" in booking:
        later["hold_expires_at"] = iso(booking["hold_expires_at_s"])
    if booking.get("reason"):
        later["reason"] = _code(booking["reason"])
    return answers.Booking(
        **{name: booking[name] for name in told},
        passenger=answers.Passenger(booking["passenger"]["name"], booking["passenger"]["email"]),
        language=booking.get("language", "en"),
        created_at=iso(booking["created_at_s"]),
        **later,
    )


def placed_booking_view(booking: dict[str, Any], secret: str) -> answers.PlacedBooking:
    """A booking for the customer who has just made it."""
    return answers.PlacedBooking(**msgspec.structs.asdict(booking_view(booking)), secret=secret)


def execution_view(execution: Execution) -> answers.Execution:
    """An execution with its steps; of an error its name, since its cause is only ours to know."""
    timeline = execution.timeline
    return answers.Execution(
        kind=execution.kind.value,
        execution_id=execution.arn,
        outcome=timeline.outcome,
        error=_error(timeline.error),
        started_at=_instant(execution.started_at),
        duration_s=_duration_s(timeline.duration_s),
        steps=[_step_view(step) for step in timeline.steps],
    )


def _step_view(step: Step) -> answers.Step:
    return answers.Step(
        name=step.name,
        role=step.role,
        state=step.state,
        entered_at=_instant(step.entered_at),
        duration_s=_duration_s(step.duration_s),
        attempts=step.attempts,
        attempts_before=step.attempts_before,
        error=_error(step.error),
    )


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
