"""Real executions on the local stack: confirmed, refused, declined, unknown, and fifty for one seat."""

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from leleka.stage import Stage
from tests.functional.customer import FLIGHT, Customer, execution, states_entered
from tests.promises import Promises

pytestmark = pytest.mark.stack
type Customers = Callable[[], Customer]

HAPPY_PATH = [
    "CreateBooking",
    "ValidateFlight",
    "ReserveSeat",
    "ReserveBaggage",
    "CalculatePrice",
    "PaymentMethodGiven",
    "ProcessPayment",
    "ConfirmSeat",
    "ConfirmBooking",
    "NotifyConfirmed",
    "BookingConfirmed",
]


def test_a_booking_is_confirmed_and_owns_its_seat(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """Every step once and in order; 54.90 for the seat and 25.00 for the bag."""
    olena = customer()
    booking = olena.outcome(olena.book(seat)["booking_id"])
    assert (booking["status"], booking["amount_minor"], booking["currency"]) == ("CONFIRMED", 7990, "EUR")
    assert states_entered(stage, booking["booking_id"]) == HAPPY_PATH
    assert olena.seat_status(seat) == "SOLD"
    promises.hold()


def test_a_taken_seat_is_refused(stage: Stage, customer: Customers, seat: str, promises: Promises) -> None:
    """The second booking ends CANCELLED with the reason, after nothing but its own cancellation."""
    first, second = customer(), customer()
    first.outcome(first.book(seat)["booking_id"])
    booking = second.outcome(second.book(seat)["booking_id"])
    assert (booking["status"], booking["reason"]) == ("CANCELLED", "SEAT_TAKEN")
    entered = states_entered(stage, booking["booking_id"])
    assert entered[-5:] == ["ReserveSeat", "CancelBooking", "AnythingStuck", "NotifyCancelled", "BookingFailed"]
    promises.hold()


@pytest.mark.parametrize(
    ("method", "error", "reason"),
    [
        ("pm_declined", "CardDeclined", "CARD_DECLINED"),
        ("pm_insufficient_funds", "InsufficientFunds", "INSUFFICIENT_FUNDS"),
        ("pm_never_heard_of", "PaymentMethodRejected", "PAYMENT_METHOD_REJECTED"),
    ],
)
def test_a_refused_payment_rolls_everything_back_in_reverse(
    stage: Stage, customer: Customers, seat: str, promises: Promises, method: str, error: str, reason: str
) -> None:
    """Baggage, seat, booking; no refund, since nothing was taken. The execution fails with the first error."""
    olena = customer()
    booking = olena.outcome(olena.book(seat, method)["booking_id"])
    assert (booking["status"], booking["reason"]) == ("CANCELLED", reason)
    entered = states_entered(stage, booking["booking_id"])
    assert entered[entered.index("ProcessPayment") + 1 :] == [
        "ReleaseBaggage",
        "ReleaseSeat",
        "CancelBooking",
        "AnythingStuck",
        "NotifyCancelled",
        "BookingFailed",
    ]
    ended = execution(stage, booking["booking_id"])
    assert (ended["status"], ended["error"]) == ("FAILED", error)
    assert olena.seat_status(seat) == "AVAILABLE"
    promises.hold()


@pytest.mark.parametrize("method", ["pm_unknown", "pm_unknown_lost", "pm_slow"])
def test_an_unclear_or_slow_payment_is_charged_once(
    customer: Customers, seat: str, promises: Promises, method: str
) -> None:
    """A lost answer and a lost request are asked again with the same key."""
    olena = customer()
    assert olena.outcome(olena.book(seat, method)["booking_id"])["status"] == "CONFIRMED"
    promises.hold()


def test_a_flight_without_room_for_the_bags_gives_the_seat_back(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """The quota is all but used up; five bags more are too many."""
    quota = next(row for row in promises.rows("BaggageQuotaTable") if row["flight_id"] == FLIGHT)
    key = {"flight_id": {"S": FLIGHT}}
    stage.dynamodb.update_item(
        TableName=stage.tables["BaggageQuotaTable"],
        Key=key,
        UpdateExpression="SET #free = :few",
        ExpressionAttributeNames={"#free": "free"},
        ExpressionAttributeValues={":few": {"N": "4"}},
    )
    olena = customer()
    booking = olena.outcome(olena.book(seat, bags=5)["booking_id"])
    stage.dynamodb.update_item(
        TableName=stage.tables["BaggageQuotaTable"],
        Key=key,
        UpdateExpression="SET #free = :free",
        ExpressionAttributeNames={"#free": "free"},
        ExpressionAttributeValues={":free": {"N": str(quota["free"])}},
    )
    assert (booking["status"], booking["reason"]) == ("CANCELLED", "BAGGAGE_FULL")
    assert olena.seat_status(seat) == "AVAILABLE"
    promises.hold()


def test_the_same_request_twice_makes_one_booking(customer: Customers, seat: str, promises: Promises) -> None:
    """While the saga runs, and again after it has ended."""
    olena, key = customer(), str(uuid.uuid4())
    first, second = olena.book(seat, key=key), olena.book(seat, key=key)
    olena.outcome(first["booking_id"])
    third = olena.book(seat, key=key)
    assert first["booking_id"] == second["booking_id"] == third["booking_id"]
    assert third["status"] == "CONFIRMED"
    promises.hold()


def test_a_key_that_was_used_for_another_request_is_refused(customer: Customers, seat: str, promises: Promises) -> None:
    """And the first booking goes on as if nothing had been asked."""
    olena, key = customer(), str(uuid.uuid4())
    booking_id = olena.book(seat, key=key)["booking_id"]
    response = olena.post(olena.request(seat, bags=0), key)
    assert response.status_code == 422
    assert response.json()["type"] == "urn:leleka:problem:idempotency-key-reused"
    assert olena.outcome(booking_id)["status"] == "CONFIRMED"
    promises.hold()


def test_fifty_customers_for_one_seat(customer: Customers, seat: str, promises: Promises) -> None:
    """One CONFIRMED, forty-nine CANCELLED with a reason, no lock left, money taken once."""
    customers = [customer() for _ in range(50)]
    together = Barrier(len(customers))

    def book(one: Customer) -> dict[str, str]:
        together.wait()
        return one.outcome(one.book(seat)["booking_id"])

    with ThreadPoolExecutor(len(customers)) as pool:
        outcomes = list(pool.map(book, customers))
    assert Counter((one["status"], one.get("reason")) for one in outcomes) == {
        ("CONFIRMED", None): 1,
        ("CANCELLED", "SEAT_TAKEN"): 49,
    }
    booking_ids = {one["booking_id"] for one in outcomes}
    charges = [row for row in promises.rows("SandboxGatewayTable") if row["booking_id"] in booking_ids]
    assert len(charges) == 1
    promises.hold()
