"""The Stripe adapter where no other gateway is like it: every call lost, keys forgotten, Stripe's own failures."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from chalicelib.payment.intents import IntentStore
from chalicelib.payment.models import Receipt
from chalicelib.payment.refusals import GatewayUnusable
from chalicelib.payment.stripe_gateway import StripeGateway
from chalicelib.shared.errors import (
    AlreadyCompensated,
    CardDeclined,
    InsufficientFunds,
    PaymentMethodRejected,
    PaymentOutcomeUnknown,
    StoreBusy,
)
from tests.functional.gateway_providers import Stripe, new_booking
from tests.functional.test_gateway_contract import PRICE, charge, dynamodb
from tests.stripe_server import StripeServer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["dynamodb"]  # the fixture


@pytest.fixture
def server() -> Iterator[StripeServer]:
    """A Stripe of its own for the test."""
    with StripeServer().running() as running:
        yield running


@pytest.fixture
def provider(dynamodb: "DynamoDBClient", server: StripeServer) -> Stripe:
    """The adapter on that server."""
    return Stripe(dynamodb, server)


@pytest.mark.parametrize("reply", [True, False], ids=["reply lost", "request lost"])
@pytest.mark.parametrize("verb", ["payment_intents", "confirm"])
def test_any_lost_call_of_a_charge_is_made_up_for(provider: Stripe, verb: str, reply: bool) -> None:
    """There is one intent and one charge in the end."""
    booking = new_booking()
    provider.transport.lose(verb, reply=reply)
    with pytest.raises(PaymentOutcomeUnknown):
        charge(provider, booking)
    assert charge(provider, booking) == charge(provider, booking)
    assert provider.taken(booking) == [PRICE]
    assert len(provider.made(booking)) == 1


@pytest.mark.parametrize("reply", [True, False], ids=["reply lost", "request lost"])
@pytest.mark.parametrize("verb", ["cancel", "refunds"])
def test_any_lost_call_of_a_close_is_made_up_for(provider: Stripe, verb: str, reply: bool) -> None:
    """Canceled or refunded once in the end."""
    booking = new_booking()
    if verb == "cancel":
        provider.transport.lose("confirm", reply=False)
        with pytest.raises(PaymentOutcomeUnknown):
            charge(provider, booking)
    else:
        charge(provider, booking)
    provider.transport.lose(verb, reply=reply)
    with pytest.raises(PaymentOutcomeUnknown):
        provider.gateway.close(booking)
    assert provider.gateway.close(booking).refunded_minor == (0 if verb == "cancel" else PRICE)
    assert provider.returned(booking) == sum(provider.taken(booking))


@pytest.mark.parametrize("verb", ["payment_intents", "confirm", "cancel", "refunds"])
def test_a_failure_that_stripe_replays_does_not_block_the_booking(
    provider: Stripe, server: StripeServer, verb: str
) -> None:
    """Stripe would repeat its own 500 for a day; the adapter asks once more under another key."""
    booking = new_booking()
    if verb in {"cancel", "refunds"}:
        if verb == "cancel":
            provider.transport.lose("confirm", reply=False)
        with pytest.raises(PaymentOutcomeUnknown) if verb == "cancel" else nullcontext():
            charge(provider, booking)
        server.break_next(verb)
        assert provider.gateway.close(booking).refunded_minor == (0 if verb == "cancel" else PRICE)
    else:
        server.break_next(verb)
        assert charge(provider, booking).amount_minor == PRICE
        assert provider.taken(booking) == [PRICE]


def test_what_stripe_has_forgotten_the_intent_still_tells(provider: Stripe, server: StripeServer) -> None:
    """A day later, with every key pruned: no second charge, and the refund finds the first one."""
    booking = new_booking()
    receipt = charge(provider, booking)
    server.idempotency.forget()
    assert charge(provider, booking) == receipt
    assert len(provider.made(booking)) == 1
    server.idempotency.forget()
    assert [provider.gateway.close(booking).refunded_minor for _ in range(2)] == [PRICE] * 2
    server.idempotency.forget()
    assert provider.gateway.close(booking).refunded_minor == PRICE
    assert (provider.taken(booking), provider.returned(booking)) == ([PRICE], PRICE)


@pytest.mark.parametrize(
    ("method", "error", "told"),
    [
        ("pm_card_visa_chargeDeclined", CardDeclined, "generic_decline"),
        ("pm_card_visa_chargeDeclinedStolenCard", CardDeclined, "generic_decline"),
        ("pm_card_chargeDeclinedExpiredCard", CardDeclined, "expired_card"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", InsufficientFunds, "too little money"),
        ("pm_card_threeDSecure2Required", PaymentMethodRejected, "authenticate"),
    ],
)
def test_a_no_stays_no_when_stripe_has_forgotten_it(
    provider: Stripe, server: StripeServer, method: str, error: type[Exception], told: str
) -> None:
    """The intent's state says it, even where the method would be approved by now; a theft is not told."""
    booking = new_booking()
    for again in (method, method, "pm_card_visa"):
        with pytest.raises(error, match=told):
            charge(provider, booking, again)
        server.idempotency.forget()
    assert provider.taken(booking) == []


def test_every_operation_has_its_key(provider: Stripe) -> None:
    """One a booking and operation, however often it is called."""
    paid, unpaid = new_booking(), new_booking()
    provider.transport.lose("confirm", reply=False)
    with pytest.raises(PaymentOutcomeUnknown):
        charge(provider, unpaid)
    charge(provider, paid)
    for booking in (paid, paid, unpaid, unpaid):
        provider.gateway.close(booking)
    assert provider.transport.keys == {
        *(f"{paid}:{operation}" for operation in ("intent", "confirm", "refund")),
        *(f"{unpaid}:{operation}" for operation in ("intent", "cancel")),
    }


def test_a_charge_that_overtakes_the_cancellation_is_refunded(provider: Stripe) -> None:
    """The close saw the intent open, and the confirmation landed before the cancellation did."""
    booking = new_booking()
    provider.transport.lose("confirm", reply=False)
    with pytest.raises(PaymentOutcomeUnknown):
        charge(provider, booking)
    intent = provider.made(booking)[0].id
    provider.transport.before["cancel"] = lambda: provider.books.v1.payment_intents.confirm(
        intent, {"payment_method": "pm_card_visa"}
    )
    assert provider.gateway.close(booking).refunded_minor == PRICE
    assert (provider.taken(booking), provider.returned(booking)) == ([PRICE], PRICE)


def test_no_card_number_goes_out(provider: Stripe) -> None:
    """What is not the id of a payment method is not sent, nor repeated in the message."""
    with pytest.raises(PaymentMethodRejected) as refused:
        charge(provider, new_booking(), "4242424242424242")
    assert "4242" not in str(refused.value)
    assert provider.transport.sent == []


def test_a_crash_before_the_intent_was_kept_leaves_nothing_that_can_be_charged(
    provider: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not confirmed; the next attempt gets the same intent."""
    booking = new_booking()

    def crash(_self: IntentStore, _booking_id: str, _intent_id: str) -> str:
        raise StoreBusy("the function died here")

    with monkeypatch.context() as broken:
        broken.setattr(IntentStore, "keep", crash)
        with pytest.raises(StoreBusy):
            charge(provider, booking)
    assert provider.taken(booking) == []
    assert charge(provider, booking).amount_minor == PRICE
    assert provider.taken(booking) == [PRICE]


def test_a_charge_that_a_close_overtakes_is_not_confirmed(provider: Stripe, monkeypatch: pytest.MonkeyPatch) -> None:
    """The close came after the intent was made and before it was kept."""
    booking, keep = new_booking(), IntentStore.keep

    def late(store: IntentStore, booking_id: str, intent_id: str) -> str:
        assert provider.gateway.close(booking_id).refunded_minor == 0
        return keep(store, booking_id, intent_id)

    monkeypatch.setattr(IntentStore, "keep", late)
    with pytest.raises(AlreadyCompensated):
        charge(provider, booking)
    assert "post confirm" not in provider.transport.sent


def test_a_wrong_api_key_is_neither_a_refusal_nor_unknown_money(
    dynamodb: "DynamoDBClient",
    server: StripeServer,
) -> None:
    """An operator has to act, and the message does not show the key."""
    provider = Stripe(dynamodb, server, "nonsense_key")
    with pytest.raises(GatewayUnusable) as refused:
        charge(provider, new_booking())
    assert "nonsense" not in str(refused.value)


def test_a_charge_does_not_begin_what_it_has_no_time_for(provider: Stripe, server: StripeServer) -> None:
    """Stripe took too long before the confirmation; asked again, there is time."""
    booking, ticks_s = new_booking(), iter([0.0, 3.0])
    slow = StripeGateway("sk_test_1", provider.intents, api_base=server.url, clock=lambda: next(ticks_s))
    with pytest.raises(PaymentOutcomeUnknown):
        slow.charge(booking, PRICE, "EUR", "pm_card_visa")
    assert provider.taken(booking) == []
    assert isinstance(charge(provider, booking), Receipt)
