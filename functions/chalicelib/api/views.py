"""What the API shows: instants as RFC 3339 text, prices beside seats, nothing that is only ours to know."""

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
    return {**shown, "created_at": iso(booking["created_at_s"])}
