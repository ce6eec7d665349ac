"""Rows that may go, and when: late enough that nothing which could still ask for them finds them gone. DynamoDB deletes
a row some time after ``expires_at_s``; until then it stands."""

from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.baggage.store import BaggageStore
from chalicelib.booking.models import BookingStatus, Passenger, PlaceBookingCommand
from chalicelib.booking.store import BookingStore
from chalicelib.notification.models import BookingEvent, EventKind
from chalicelib.notification.store import SentStore
from chalicelib.seat.store import SeatStore
from chalicelib.shared.dynamo import from_item, to_item
from tests.fakes import FakeClock
from tests.templates import merge_template
from tests.unit.placing_world import SOURCE, place_booking

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY_S = 86_400
FLIGHT = "KBP-BCN-0615"
SEAT = {"lock_id": "lock-1", "flight_id": FLIGHT, "seat": "12A"}
EXECUTION_NAME_S = 90 * DAY_S
"""For so long Step Functions knows an execution by its name."""
MESSAGE_S = (4 + 14 + 4 + 14) * DAY_S
"""For so long a message may come again: in its queue, set aside, sent again by an operator and set aside once more."""


def row(dynamodb: "DynamoDBClient", table: str, **key: str) -> dict[str, Any]:
    return from_item(dynamodb.get_item(TableName=table, Key=to_item(key)).get("Item", {}))


@pytest.fixture
def seats(dynamodb: "DynamoDBClient", clock: FakeClock) -> SeatStore:
    """A free seat."""
    dynamodb.put_item(
        TableName="seats", Item=to_item({**SEAT, "cabin": "ECONOMY", "exit_row": False, "status": "AVAILABLE"})
    )
    return SeatStore(dynamodb, "seats", "seat-ledger", clock=clock)


def hold(seats: SeatStore, clock: FakeClock) -> int:
    held = seats.hold(booking_id="bk-1", **SEAT, held_until_s=clock() + 900, now_s=clock())
    return held.fencing_number


def test_the_row_of_a_hold_and_of_a_sale_never_expires(
    dynamodb: "DynamoDBClient", seats: SeatStore, clock: FakeClock
) -> None:
    """It says who has the seat, and a cancellation next year needs it."""
    number = hold(seats, clock)
    assert "expires_at_s" not in row(dynamodb, "seat-ledger", booking_id="bk-1")
    seats.confirm(booking_id="bk-1", **SEAT, fencing_number=number, now_s=clock())
    assert "expires_at_s" not in row(dynamodb, "seat-ledger", booking_id="bk-1")


@pytest.mark.parametrize("held", [True, False], ids=["what was held", "nothing"])
def test_a_row_that_says_released_outlives_every_step_that_could_be_late(
    dynamodb: "DynamoDBClient", seats: SeatStore, clock: FakeClock, *, held: bool
) -> None:
    """Whether the compensation found a hold or left the row itself, the row stays past executions and messages."""
    if held:
        hold(seats, clock)
    seats.release("bk-1")
    kept_s = row(dynamodb, "seat-ledger", booking_id="bk-1")["expires_at_s"] - clock()
    assert max(EXECUTION_NAME_S, MESSAGE_S) < kept_s < 400 * DAY_S


def test_released_bags_expire_as_seats_do(dynamodb: "DynamoDBClient") -> None:
    """They have a ledger of the same kind."""
    dynamodb.put_item(TableName="quota", Item=to_item({"flight_id": FLIGHT, "free": 3}))
    baggage = BaggageStore(dynamodb, "quota", "baggage-ledger")
    baggage.reserve("bk-1", FLIGHT, 1)
    assert "expires_at_s" not in row(dynamodb, "baggage-ledger", booking_id="bk-1")
    baggage.release("bk-1")
    assert "expires_at_s" in row(dynamodb, "baggage-ledger", booking_id="bk-1")


@pytest.mark.parametrize("ends", ["sent", "unclaim"])
def test_a_mails_row_outlives_its_event(dynamodb: "DynamoDBClient", clock: FakeClock, ends: str) -> None:
    """Sent or given up: whoever gets the event again still finds the row."""
    sent, event = SentStore(dynamodb, "notifications"), BookingEvent(kind=EventKind.HELD, booking_id="bk-1")
    sent.claim(event, clock())
    sent.sent(event, clock()) if ends == "sent" else sent.unclaim(event)
    kept_s = row(dynamodb, "notifications", booking_id="bk-1", kind="HELD")["expires_at_s"] - clock()
    assert MESSAGE_S < kept_s < 400 * DAY_S


def test_a_locator_outlives_every_flight_on_sale_and_a_booking_with_a_saga_never_goes(
    dynamodb: "DynamoDBClient", clock: FakeClock
) -> None:
    """Flights are sold a year ahead; then the locator may be another's. A request without a saga goes after a day."""
    store = BookingStore(dynamodb, "bookings", "locators")
    olena = Passenger(name="Olena", email="olena@example.com")
    command = PlaceBookingCommand("bk-1", "hash", "ab" * 32, FLIGHT, "12A", 1, olena, SOURCE)
    locator = place_booking(command, dynamodb, clock).record_locator
    assert row(dynamodb, "locators", record_locator=locator)["expires_at_s"] - clock() > 366 * DAY_S
    assert row(dynamodb, "bookings", booking_id="bk-1")["expires_at_s"] == clock() + DAY_S
    for after in (BookingStatus.PENDING, BookingStatus.CANCELLED):
        store.move("bk-1", frozenset(BookingStatus), after)
        assert "expires_at_s" not in row(dynamodb, "bookings", booking_id="bk-1")


def test_dynamodb_deletes_by_the_attribute_that_the_stores_write() -> None:
    """In these tables, and in no other: a payment, a seat and a fare stay."""
    tables = {
        name: resource["Properties"].get("TimeToLiveSpecification")
        for name, resource in merge_template()["Resources"].items()
        if resource.get("Type") == "AWS::DynamoDB::Table"
    }
    expiring = {"AttributeName": "expires_at_s", "Enabled": True}
    named = {"BookingsTable", "LocatorsTable", "SeatLedgerTable", "BaggageLedgerTable", "NotificationsTable"}
    assert {name for name, spec in tables.items() if spec} >= named
    assert all(spec in (None, expiring) for spec in tables.values())
    kept = {"PaymentsTable", "SandboxGatewayTable", "SeatsTable", "FlightsTable", "FaresTable", "BaggageQuotaTable"}
    assert all(tables[name] is None for name in kept)
