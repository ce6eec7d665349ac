"""What every payment gateway keeps, whoever stands behind it: the sandbox, and the Stripe adapter on the test server;
and on Stripe's own test mode when STRIPE_SECRET_KEY is set. The money is counted in the provider's books."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import boto3
import pytest
from moto import mock_aws

from chalicelib.payment.models import Closure, Receipt
from chalicelib.shared.errors import (
    AlreadyCompensated,
    CardDeclined,
    InsufficientFunds,
    LelekaError,
    PaymentMethodRejected,
    PaymentOutcomeUnknown,
)
from tests.functional.gateway_providers import REAL_KEY, Provider, Sandbox, Serial, Stripe, new_booking
from tests.stripe_server import StripeServer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PROVIDERS = ["sandbox", "stripe server", *(["stripe test mode"] if REAL_KEY else [])]
PRICE = 7990
RACES = {"sandbox": 60, "stripe server": 60, "stripe test mode": 5}


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator["DynamoDBClient"]:
    """The two tables, in moto, one caller at a time."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1")
        for table in ("payments", "gateway"):
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "booking_id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "booking_id", "KeyType": "HASH"}],
            )
        yield cast("DynamoDBClient", Serial(client))


@pytest.fixture
def server() -> Iterator[StripeServer]:
    """A Stripe of its own for the test, a little slow, so that calls overlap."""
    with StripeServer().running() as running:
        running.pause_s_max = 0.005
        yield running


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, dynamodb: "DynamoDBClient", server: StripeServer) -> Provider:
    """Each provider in turn."""
    if request.param == "sandbox":
        return Sandbox(dynamodb)
    if request.param == "stripe test mode":
        assert REAL_KEY.startswith(("sk_test_", "rk_test_")), "give these tests a key of the test mode"
        return Stripe(dynamodb, None, REAL_KEY)
    return Stripe(dynamodb, server)


def charge(provider: Provider, booking_id: str, method: str | None = None) -> Receipt:
    """One call."""
    return provider.gateway.charge(booking_id, PRICE, "EUR", method or provider.approved)


def ask[Answer](call: Callable[[], Answer]) -> Answer:
    """Asks again while the outcome is unknown, as the saga does."""
    for _ in range(5):
        try:
            return call()
        except PaymentOutcomeUnknown:
            time.sleep(0.05)
    return call()


def together(*calls: Callable[[], object]) -> list[object]:
    """The calls at the same time, a thread each; their answers or errors."""
    barrier = threading.Barrier(len(calls))
    answers: list[object] = [None] * len(calls)

    def run(index: int, call: Callable[[], object]) -> None:
        barrier.wait()
        try:
            answers[index] = call()
        except LelekaError as error:
            answers[index] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_charge_is_made_once_however_often_it_is_asked(provider: Provider) -> None:
    """The same receipt comes back."""
    booking = new_booking()
    receipts = [charge(provider, booking) for _ in range(3)]
    assert len(set(receipts)) == 1
    assert (receipts[0].amount_minor, receipts[0].currency) == (PRICE, "EUR")
    assert provider.taken(booking) == [PRICE]


def test_two_charges_at_once_are_one_charge(provider: Provider) -> None:
    """Both learn of the same one."""
    booking = new_booking()
    answers = together(*[lambda: ask(lambda: charge(provider, booking))] * 2)
    assert isinstance(answers[0], Receipt)
    assert answers[0] == answers[1]
    assert provider.taken(booking) == [PRICE]


@pytest.mark.parametrize(("method", "error"), [("declined", CardDeclined), ("insufficient", InsufficientFunds)])
def test_a_definite_no_takes_nothing_and_stays_no(provider: Provider, method: str, error: type[LelekaError]) -> None:
    """The same no, with its reason; and it can be closed."""
    booking = new_booking()
    for _ in range(2):
        with pytest.raises(error):
            charge(provider, booking, getattr(provider, method))
    assert provider.taken(booking) == []
    assert provider.gateway.close(booking).refunded_minor == 0


def test_a_method_that_does_not_exist_is_refused(provider: Provider) -> None:
    """Nothing was taken."""
    booking = new_booking()
    for _ in range(2):
        with pytest.raises(PaymentMethodRejected):
            charge(provider, booking, "pm_never_heard_of")
    assert provider.taken(booking) == []


@pytest.mark.parametrize("stood", [True, False], ids=["reply lost", "request lost"])
def test_an_unknown_outcome_is_settled_by_asking_again(provider: Provider, stood: bool) -> None:
    """Whether the charge stood or not, there is one in the end."""
    booking = new_booking()
    method = provider.unknown(stood=stood)
    with pytest.raises(PaymentOutcomeUnknown):
        charge(provider, booking, method)
    assert provider.taken(booking) == ([PRICE] if stood else [])
    assert charge(provider, booking, method).amount_minor == PRICE
    assert provider.taken(booking) == [PRICE]


@pytest.mark.parametrize("stood", [True, False], ids=["reply lost", "request lost"])
def test_an_unknown_outcome_can_be_closed(provider: Provider, stood: bool) -> None:
    """What stood goes back, and nothing can follow."""
    booking = new_booking()
    method = provider.unknown(stood=stood)
    with pytest.raises(PaymentOutcomeUnknown):
        charge(provider, booking, method)
    assert provider.gateway.close(booking).refunded_minor == (PRICE if stood else 0)
    with pytest.raises(AlreadyCompensated):
        charge(provider, booking, method)
    assert sum(provider.taken(booking)) == provider.returned(booking)


def test_what_was_charged_goes_back_once(provider: Provider) -> None:
    """However often it is closed; and a late charge meets the closed door."""
    booking = new_booking()
    charge(provider, booking)
    assert [provider.gateway.close(booking).refunded_minor for _ in range(3)] == [PRICE] * 3
    assert provider.returned(booking) == PRICE
    with pytest.raises(AlreadyCompensated):
        charge(provider, booking)
    assert (provider.taken(booking), provider.returned(booking)) == ([PRICE], PRICE)


def test_two_closes_at_once_give_back_once(provider: Provider) -> None:
    """And both say what went back."""
    booking = new_booking()
    charge(provider, booking)
    answers = together(*[lambda: ask(lambda: provider.gateway.close(booking))] * 2)
    assert answers == [Closure(PRICE)] * 2
    assert provider.returned(booking) == PRICE


def test_a_close_before_the_charge_shuts_the_door(provider: Provider) -> None:
    """For good."""
    booking = new_booking()
    assert provider.gateway.close(booking).refunded_minor == 0
    for _ in range(2):
        with pytest.raises(AlreadyCompensated):
            charge(provider, booking)
    assert provider.taken(booking) == []


def test_a_close_that_races_a_charge_never_leaves_money_behind(
    provider: Provider, server: StripeServer, request: pytest.FixtureRequest
) -> None:
    """Whoever is quicker. A failing race prints its seed."""
    name = request.node.callspec.params["provider"]
    began_s = time.monotonic()
    charge(provider, new_booking())
    pace_s = time.monotonic() - began_s  # the races are as close on a slow machine
    outcomes = set()
    for seed in range(RACES[name]):
        server.random.seed(seed)
        outcomes.add(_race(provider, random.Random(seed), seed, pace_s))
    if name != "stripe test mode":
        assert outcomes == {"refused", "given back"}, "the races were not close enough to show both"


def _race(provider: Provider, rng: random.Random, seed: int, pace_s: float) -> str:
    booking = new_booking()
    charge_s, close_s = rng.uniform(0, pace_s / 2), rng.uniform(0, 2 * pace_s)

    def late_charge() -> Receipt:
        time.sleep(charge_s)
        return charge(provider, booking)

    def late_close() -> Closure:
        time.sleep(close_s)
        return provider.gateway.close(booking)

    charged, closed = together(late_charge, late_close)
    assert isinstance(charged, Receipt | AlreadyCompensated | PaymentOutcomeUnknown), f"seed {seed}: {charged!r}"
    assert isinstance(closed, Closure | PaymentOutcomeUnknown), f"seed {seed}: {closed!r}"
    taken = sum(provider.taken(booking))
    if isinstance(closed, Closure):
        assert provider.returned(booking) == taken == closed.refunded_minor, f"seed {seed}: money was kept"
    assert ask(lambda: provider.gateway.close(booking)).refunded_minor == taken, f"seed {seed}"
    with pytest.raises(AlreadyCompensated):
        charge(provider, booking)
    assert provider.returned(booking) == sum(provider.taken(booking)) == taken, f"seed {seed}: money was kept"
    return "given back" if taken else "refused"
