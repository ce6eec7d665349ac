"""How many bags a booking may take."""

from chalicelib.baggage.models import BaggageReservation, ReserveBaggageCommand
from chalicelib.baggage.store import BaggageStore
from chalicelib.shared import metrics
from chalicelib.shared.errors import InvalidRequest, Refusal


def reserve_baggage(command: ReserveBaggageCommand, store: BaggageStore) -> BaggageReservation:
    """Takes the bags from the flight's quota.

    Raises:
        InvalidRequest, BaggageFull, AlreadyCompensated: nothing was taken.
        StoreBusy: no verdict; the step may be repeated.
    """
    if command.bags < 0:  # a negative number would raise the quota
        raise InvalidRequest("the number of bags cannot be negative", field="$.bags")
    try:
        store.reserve(command.booking_id, command.flight_id, command.bags)
    except Refusal:
        if (
            command.attempt
        ):  # a refusal is not compensated: an earlier attempt that comes late must find the door closed
            store.release(command.booking_id)
        raise
    return BaggageReservation(bags=command.bags)


def release_baggage(booking_id: str, store: BaggageStore) -> int:
    """Gives the bags back; returns how many came free, 0 where there was nothing."""
    released = store.release(booking_id)
    if released:
        metrics.count("Compensations", step="ReleaseBaggage")
    return released
