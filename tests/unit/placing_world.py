"""Keeping requests over moto's tables, with the limits that a stage has by default."""

import itertools
from typing import TYPE_CHECKING, Any

from chalicelib.booking import logic, placing
from chalicelib.booking.models import (
    Booking,
    BookingStatus,
    CancelBookingCommand,
    ConfirmBookingCommand,
    HoldLimits,
    Passenger,
    PlaceBookingCommand,
)
from chalicelib.booking.placing_store import PlacingStore
from chalicelib.booking.store import BookingStore
from chalicelib.shared.clock import Clock
from chalicelib.shared.dynamo import Item, from_item
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TTL_S, COOLDOWN_S, GRACE_S = 900, 900, 120
COUNTS_S = 2700 + GRACE_S
LIMITS = HoldLimits(
    per_customer=9, per_source=9, hold_ttl_s=TTL_S, cooldown_s=COOLDOWN_S, counts_s=COUNTS_S, grace_s=GRACE_S
)
SOURCE = "203.0.113.7"


def place_booking(
    command: PlaceBookingCommand, client: "DynamoDBClient", clock: Clock, limits: HoldLimits = LIMITS
) -> Booking:
    """Keeps one request."""
    store = PlacingStore(client, "bookings", "locators", "hold-limits", GRACE_S)
    return placing.place_booking(command, store, limits, clock)


class PlacingWorld:
    """Customers who ask for seats of one flight, and what becomes of their bookings."""

    def __init__(self, client: "DynamoDBClient", clock: FakeClock) -> None:
        self.client, self.clock = client, clock
        self.store = BookingStore(client, "bookings", "locators")
        self.limits = LIMITS
        self._numbers = itertools.count(1)

    def ask(
        self,
        seat: str | None = None,
        *,
        email: str | None = None,
        source: str | None = None,
        booking_id: str | None = None,
        request_hash: str = "hash",
    ) -> Booking:
        """A request; whatever is not given is of its own."""
        number = next(self._numbers)
        command = PlaceBookingCommand(
            booking_id=booking_id or f"bk-{number}",
            request_hash=request_hash,
            secret_hash="ab" * 32,
            flight_id="KBP-BCN-0615",
            seat=seat or f"{number}A",
            bags=0,
            passenger=Passenger("Olena", email or f"olena-{number}@example.com"),
            source=source or f"10.0.{number // 250}.{number % 250}",
        )
        return place_booking(command, self.client, self.clock, self.limits)

    def confirm(self, booking: Booking) -> None:
        """It is paid for."""
        logic.create_booking(booking.booking_id, self.store)
        logic.confirm_booking(ConfirmBookingCommand(booking.booking_id, 7990, "EUR"), self.store)

    def cancel(self, booking: Booking, reason: str = "HoldExpired") -> None:
        """Its saga has rolled back."""
        logic.cancel_booking(CancelBookingCommand(booking.booking_id, reason), self.store)

    def wait_for_payment(self, booking: Booking, until_s: int) -> None:
        """Its seat is held until then."""
        logic.create_booking(booking.booking_id, self.store)
        self.store.move(
            booking.booking_id,
            frozenset({BookingStatus.PENDING}),
            BookingStatus.AWAITING_PAYMENT,
            hold_expires_at_s=until_s,
        )

    def rows(self, table: str) -> list[Item]:
        """All rows of a table."""
        return [from_item(item) for item in self.client.scan(TableName=table)["Items"]]

    def everything(self) -> dict[str, list[Item]]:
        """All that keeping a request may write."""
        tables = ("bookings", "locators", "hold-limits")
        return {table: sorted(self.rows(table), key=repr) for table in tables}

    def claims(self, kind: str) -> dict[str, Any]:
        """The claims of the one holder of this kind."""
        (row,) = (row for row in self.rows("hold-limits") if row["holder"].startswith(f"{kind}#"))
        claims: dict[str, Any] = row["claims"]
        return claims
