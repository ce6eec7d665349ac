"""What the API shows: instants as RFC 3339 text, prices beside seats, nothing that is only ours to know."""

import re
from typing import Any

from chalicelib.shared.clock import iso


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


def booking_view(booking: dict[str, Any]) -> dict[str, Any]:
    """A booking for its customer."""
    shown = {name: value for name, value in booking.items() if not name.endswith("_at_s")}
    instants = {name.removesuffix("_s"): iso(value) for name, value in booking.items() if name.endswith("_at_s")}
    reason = {"reason": _code(booking["reason"])} if booking.get("reason") else {}
    return {**shown, **instants, **reason}


def _code(error_name: str) -> str:
    """``HoldExpired`` as ``HOLD_EXPIRED``: a reason is a code of the API, not a class of ours."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", error_name.rpartition(".")[2]).upper()
