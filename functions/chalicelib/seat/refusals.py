"""What a refused seat transaction says, read off the items that stood in its way."""

from chalicelib.seat.models import SeatStatus
from chalicelib.shared.dynamo import ConditionFailed, Item
from chalicelib.shared.errors import AlreadyCompensated, SeatNotFound, SeatTaken
from chalicelib.shared.ledger import LedgerState


def answer_refused_hold(refused: ConditionFailed, flight_id: str, seat: str) -> None:
    """Returns if the booking's own row stands (a repeated step); raises the refusal otherwise."""
    there, row = refused.items
    if refused.failed[1] and row is not None:
        if row["state"] == LedgerState.RELEASED:
            raise AlreadyCompensated("the seat was released before this hold arrived; nothing was held") from refused
        return
    if there is None:
        raise SeatNotFound(f"flight {flight_id} has no seat {seat}") from refused
    raise SeatTaken(f"seat {seat} of {flight_id} is taken; nothing was held") from refused


def is_sold_to(items: list[Item | None], booking_id: str, fencing_number: int) -> bool:
    """Whether the seat item that refused a sale is sold to this very hold."""
    seat = items[0] or {}
    sold = seat.get("status") == SeatStatus.SOLD
    return sold and seat.get("booking_id") == booking_id and seat.get("fencing_number") == fencing_number
