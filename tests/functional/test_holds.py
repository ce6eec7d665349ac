"""The customer's time to pay, the watchdog and the broker, with holds of seconds instead of minutes."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
import redis

from leleka import deploy
from leleka.own_stage import LOCK_TIMEOUT_MS
from leleka.stage import Stage
from tests.functional.customer import FLIGHT, Customer, eventually, execution, states_entered
from tests.promises import Promises

pytestmark = pytest.mark.stack
type Customers = Callable[[], Customer]

TTL_S, TOTAL_S = 6, 24
RACES = 50
OTHER_FLIGHT = "KBP-BCN-0622"


@pytest.fixture(scope="module", autouse=True)
def _short_holds(stage: Stage) -> Iterator[None]:
    """Holds of six seconds, renewed every two, for four times that at most; every function has been started once, since
    on a busy machine the first start of three in a row takes as long as such a hold."""
    deploy.deploy(
        stage.aws,
        stage.lock_url,
        LockTimeoutMs=LOCK_TIMEOUT_MS,
        HoldTtlSeconds=str(TTL_S),
        HoldTotalSeconds=str(TOTAL_S),
    )
    for _ in range(2):
        with closing(Customer(stage)) as warm_up:  # somebody else: who has let such a hold run out has to wait
            booking_id = warm_up.book("30A", method=None, flight_id=OTHER_FLIGHT)["booking_id"]
            _held(warm_up, booking_id)
            warm_up.pay(booking_id)
            if warm_up.outcome(booking_id)["status"] == "CONFIRMED":
                warm_up.cancel(booking_id)
                warm_up.cancelled(booking_id)
    yield
    usual = {"HoldTtlSeconds": "900", "HoldTotalSeconds": "2700", "PaymentVisibilitySeconds": "180"}
    deploy.deploy(stage.aws, stage.lock_url, packaged=None, LockTimeoutMs=LOCK_TIMEOUT_MS, **usual)


@pytest.fixture
def valkey(stage: Stage) -> Iterator[redis.Redis]:
    """A look into the lock server."""
    client = redis.Redis.from_url(stage.lock_url_here, socket_timeout=5)
    yield client
    client.close()


def end_of(booking: dict[str, Any]) -> float:
    """When the hold ends, in seconds since the epoch."""
    return datetime.fromisoformat(booking["hold_expires_at"]).timestamp()


def test_a_hold_that_is_paid_in_time_is_confirmed(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """The booking waits and says until when; paid twice it is charged once."""
    olena = customer()
    booking = olena.waiting(olena.book(seat, method=None)["booking_id"])
    assert end_of(booking) > time.time()
    assert olena.seat_status(seat) == "HELD"
    assert olena.pay(booking["booking_id"]).status_code == 202
    assert olena.pay(booking["booking_id"]).status_code in {202, 409}
    assert olena.outcome(booking["booking_id"])["status"] == "CONFIRMED"
    entered = states_entered(stage, booking["booking_id"])
    assert entered[entered.index("AwaitPaymentMethod") + 1 :][:3] == [
        "TakePaymentMethod",
        "RenewSeatLock",
        "ProcessPayment",
    ]
    promises.hold()


def test_another_card_is_refused_once_one_was_given(customer: Customers, seat: str, promises: Promises) -> None:
    """What is charged is what came first."""
    olena = customer()
    booking_id = olena.waiting(olena.book(seat, method=None)["booking_id"])["booking_id"]
    olena.pay(booking_id)
    assert olena.pay(booking_id, "pm_declined").status_code == 409
    assert olena.outcome(booking_id)["status"] == "CONFIRMED"
    promises.hold()


def test_a_hold_that_nobody_pays_ends_by_itself(
    stage: Stage, customer: Customers, seat: str, promises: Promises, valkey: redis.Redis
) -> None:
    """Lock and saga both run out, everything is rolled back, and paying after that is too late."""
    olena = customer()
    booking = olena.waiting(olena.book(seat, method=None)["booking_id"])
    ended = olena.outcome(booking["booking_id"])
    assert (ended["status"], ended["reason"]) == ("CANCELLED", "HOLD_EXPIRED")
    entered = states_entered(stage, booking["booking_id"])
    assert [name for name in entered if name.startswith(("Refund", "Release", "Cancel"))] == [
        "RefundPayment",
        "ReleaseBaggage",
        "ReleaseSeat",
        "CancelBooking",
    ]
    late = olena.pay(booking["booking_id"])
    assert (late.status_code, late.json()["type"]) == (409, "urn:leleka:problem:hold-expired")
    assert olena.seat_status(seat) == "AVAILABLE"
    assert valkey.exists(f"seat:{FLIGHT}:{seat}:lock") == 0
    promises.hold()


def test_paying_in_the_moment_in_which_the_hold_ends(
    customer: Customers, promises: Promises, record_property: Callable[[str, object], None]
) -> None:
    """Fifty times: who was refused is never charged, who is charged is confirmed, and both happen."""
    seed = random.randrange(2**32)
    record_property("seed", seed)
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    rng = random.Random(seed)
    seats = [f"{row}{letter}" for row in range(14, 30) for letter in "ABCDEF"][:RACES]
    offsets_s = {seat: rng.uniform(-TTL_S / 2, 0.5) for seat in seats}  # a busy machine takes a while, too

    def race(seat: str) -> tuple[int, str]:
        one = customer()
        booking_id = one.book(seat, method=None, bags=0, flight_id=OTHER_FLIGHT)["booking_id"]
        hold_end_s = _held_until_s(one, booking_id)
        time.sleep(max(0.0, hold_end_s + offsets_s[seat] - time.time()))
        answer = one.pay(booking_id).status_code
        return answer, one.outcome(booking_id)["status"]

    with ThreadPoolExecutor(10) as pool:
        outcomes = Counter(pool.map(race, seats))
    assert sum(outcomes.values()) == RACES
    assert set(outcomes) <= {(202, "CONFIRMED"), (202, "CANCELLED"), (409, "CANCELLED")}, outcomes
    assert outcomes[202, "CONFIRMED"]
    assert outcomes[409, "CANCELLED"]
    promises.hold()


@pytest.mark.parametrize("method", ["pm_slow", "pm_slower"])
def test_a_payment_slower_than_its_hold_is_confirmed(
    stage: Stage, customer: Customers, seat: str, promises: Promises, valkey: redis.Redis, method: str
) -> None:
    """Across ticks of the watchdog, the slower one past the whole time of the hold: the seat is never free between."""
    olena = customer()
    booking_id = olena.book(seat, method=method)["booking_id"]
    eventually(lambda: "ProcessPayment" in states_entered(stage, booking_id), "the payment does not begin")
    seen = []
    while execution(stage, booking_id)["status"] == "RUNNING":
        # The lock first: a seat that is still held after the look at the lock was locked when it was looked at.
        seen.append((valkey.exists(f"seat:{FLIGHT}:{seat}:lock"), olena.seat_status(seat)))
    assert {status for _, status in seen} <= {"HELD", "SOLD"}
    assert all(locked for locked, status in seen if status == "HELD")
    assert olena.outcome(booking_id)["status"] == "CONFIRMED"
    assert states_entered(stage, booking_id).count("RenewSeatLock") >= (2 if method == "pm_slow" else 3)
    promises.hold()


def test_a_lock_that_is_stolen_during_the_payment_stops_the_saga(
    stage: Stage, customer: Customers, seat: str, promises: Promises, valkey: redis.Redis
) -> None:
    """The next tick finds another's lock: the charge goes back, and the thief's lock is left alone."""
    olena, key = customer(), f"seat:{FLIGHT}:{seat}:lock"
    booking_id = olena.book(seat, method="pm_slower")["booking_id"]
    eventually(lambda: "ProcessPayment" in states_entered(stage, booking_id), "the payment does not begin")
    valkey.set(key, "thief")
    ended = olena.outcome(booking_id)
    assert (ended["status"], ended["reason"]) == ("CANCELLED", "HOLD_LOST")
    assert valkey.get(key) == b"thief"
    valkey.delete(key)
    promises.hold()


def test_a_confirmed_booking_is_cancelled_once(customer: Customers, seat: str, promises: Promises) -> None:
    """By the same compensations in a saga of its own; asking twice gives the money back once."""
    olena = customer()
    booking_id = olena.outcome(olena.book(seat)["booking_id"])["booking_id"]
    assert [olena.cancel(booking_id).status_code for _ in range(2)] == [202, 202]
    ended = olena.cancelled(booking_id)
    assert (ended["status"], ended["reason"], ended["refunded_minor"]) == ("CANCELLED", "CANCELLED_BY_CUSTOMER", 7990)
    assert olena.cancel(booking_id).status_code == 202
    assert olena.seat_status(seat) == "AVAILABLE"
    promises.hold()


def test_a_waiting_booking_is_cancelled_by_its_customer(customer: Customers, seat: str, promises: Promises) -> None:
    """Its own saga rolls back; nothing was charged."""
    olena = customer()
    booking_id = olena.waiting(olena.book(seat, method=None)["booking_id"])["booking_id"]
    assert olena.cancel(booking_id).status_code == 202
    ended = olena.outcome(booking_id)
    assert (ended["status"], ended["reason"]) == ("CANCELLED", "CANCELLED_BY_CUSTOMER")
    promises.hold()


def test_nobody_reads_pays_or_cancels_without_the_secret(customer: Customers, seat: str, promises: Promises) -> None:
    """Without one 401; with a wrong one the same 404 as for a booking that does not exist. The locator opens it too."""
    olena, other = customer(), customer()
    booking = olena.outcome(olena.book(seat)["booking_id"])
    booking_id, wrong, nobody = booking["booking_id"], "a" * 26, "bk-" + "a" * 26
    assert other.get(f"/bookings/{booking_id}").status_code == 401
    for refused, missing in [
        (other.get(f"/bookings/{booking_id}", wrong), other.get(f"/bookings/{nobody}", wrong)),
        (other.pay(booking_id, secret=wrong), other.pay(nobody, secret=wrong)),
        (other.cancel(booking_id, secret=wrong), other.cancel(nobody, secret=wrong)),
    ]:
        assert refused.status_code == missing.status_code == 404
        assert refused.json() == missing.json()
    secret = olena.secrets[booking_id]
    assert olena.get(f"/bookings/{booking['record_locator']}", secret).json()["booking_id"] == booking_id
    assert olena.booking(booking_id)["status"] == "CONFIRMED"
    promises.hold()


def test_a_poison_message_is_set_aside_and_the_saga_rolls_back_by_its_own_time(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """The payment function is broken for a while: its command ends in the dead-letter queue, the hold at its limit."""
    _deploy_with_quick_redelivery(stage)
    awslambda, sqs = stage.aws.client("lambda"), stage.aws.client("sqs")
    name, environment = _payment_function(awslambda)
    broken = {**environment, "PAYMENTS_TABLE": "no-such-table"}
    awslambda.update_function_configuration(FunctionName=name, Environment={"Variables": broken})
    olena = customer()
    booking_id = olena.book(seat)["booking_id"]
    dead = stage.outputs["PaymentDeadLetters"]
    eventually(lambda: _waiting_messages(sqs, dead) > 0, "nothing was set aside")
    eventually(lambda: "RefundPayment" in states_entered(stage, booking_id), "the hold's limit does not end the saga")
    awslambda.update_function_configuration(FunctionName=name, Environment={"Variables": environment})
    ended = olena.outcome(booking_id)
    assert (ended["status"], ended["reason"]) == ("CANCELLED", "HOLD_LIMIT_REACHED")
    sqs.purge_queue(QueueUrl=dead)
    promises.hold()


def test_a_command_that_comes_again_after_all_is_over_changes_nothing(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """Late, twice and out of order, with tokens that nobody waits for: a charge for a cancelled booking is refused."""
    olena, taras = customer(), customer()
    booking_id = olena.outcome(olena.book(seat, method="pm_declined")["booking_id"])["booking_id"]
    confirmed_id = taras.cancelled_after_confirming(seat)
    sqs, queue = stage.aws.client("sqs"), stage.outputs["PaymentCommandsQueue"]
    for one in (booking_id, confirmed_id):
        charge = {"command": "ProcessPayment", "booking_id": one, "amount_minor": 7990, "currency": "EUR"}
        refund = {"command": "RefundPayment", "booking_id": one}
        for body in ({**charge, "payment_method": "pm_approved"}, refund, refund):
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({**body, "task_token": "gone"}))
    eventually(lambda: _waiting_messages(sqs, queue) == 0, "the commands are not taken")
    promises.hold()


def _held(one: Customer, booking_id: str) -> None:
    eventually(lambda: "hold_expires_at" in one.booking(booking_id), f"{booking_id} is not held")


def _held_until_s(one: Customer, booking_id: str) -> float:
    """When the booking's hold ends; at once if it was over before a busy machine could see it."""
    seen: dict[str, Any] = {}

    def held_or_over() -> bool:
        seen.update(one.booking(booking_id))
        return "hold_expires_at" in seen or seen["status"] == "CANCELLED"

    eventually(held_or_over, f"{booking_id} is neither held nor over")
    return end_of(seen) if "hold_expires_at" in seen else 0.0


def _deploy_with_quick_redelivery(stage: Stage) -> None:
    deploy.deploy(
        stage.aws,
        stage.lock_url,
        LockTimeoutMs=LOCK_TIMEOUT_MS,
        HoldTtlSeconds=str(TTL_S),
        HoldTotalSeconds=str(TOTAL_S),
        PaymentVisibilitySeconds="2",
    )


def _payment_function(awslambda: Any) -> tuple[str, dict[str, str]]:
    pages = awslambda.get_paginator("list_functions").paginate()
    functions = [function for page in pages for function in page["Functions"]]
    found = next(function for function in functions if "CarryOutPayments" in function["FunctionName"])
    return found["FunctionName"], found["Environment"]["Variables"]


def _waiting_messages(sqs: Any, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(counts[name]) for name in names)
