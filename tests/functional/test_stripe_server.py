"""What Leleka relies on of Stripe, pinned: on the test server, and on Stripe's own test mode when STRIPE_SECRET_KEY is
set, so that the two cannot drift apart unseen."""

import os
import secrets
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import stripe

from tests.stripe_server import StripeServer

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

STRIPES = ["server", *(["test mode"] if os.environ.get("STRIPE_SECRET_KEY") else [])]
UNEXPECTED = "payment_intent_unexpected_state"


@pytest.fixture
def server() -> Iterator[StripeServer]:
    """A server of its own for the test."""
    with StripeServer().running() as running:
        yield running


@pytest.fixture(params=STRIPES)
def client(request: pytest.FixtureRequest, server: StripeServer) -> stripe.StripeClient:
    """Stripe's own SDK, without retries, so that every answer is seen."""
    if request.param == "test mode":
        key = os.environ["STRIPE_SECRET_KEY"]
        assert key.startswith(("sk_test_", "rk_test_")), "these tests move money: give them a key of the test mode"
        return stripe.StripeClient(key, max_network_retries=0)
    return stripe.StripeClient("sk_test_1", base_addresses={"api": server.url}, max_network_retries=0)


def new(amount: int = 7990, *, manual: bool = False) -> "PaymentIntentCreateParams":
    """The parameters of an intent."""
    return {
        "amount": amount,
        "currency": "eur",
        "capture_method": "manual" if manual else "automatic",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    }


def key() -> "stripe.RequestOptions":
    """A key that nobody has used."""
    return {"idempotency_key": secrets.token_hex(16)}


def paid(client: stripe.StripeClient) -> stripe.PaymentIntent:
    """An intent that has succeeded."""
    intent = client.v1.payment_intents.create(new())
    return client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})


def test_the_same_key_gives_the_same_object(client: stripe.StripeClient) -> None:
    """And says that it is a replay."""
    once = key()
    first, second = client.v1.payment_intents.create(new(), once), client.v1.payment_intents.create(new(), once)
    assert first.id == second.id
    assert second.last_response is not None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert client.v1.payment_intents.create(new(), key()).id != first.id


def test_a_key_with_other_parameters_or_another_endpoint_is_an_error(client: stripe.StripeClient) -> None:
    """It is never taken for the first request."""
    once = key()
    intent = client.v1.payment_intents.create(new(), once)
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create(new(1), once)
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.cancel(intent.id, {}, once)
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_a_request_that_fails_validation_leaves_its_key_free(client: stripe.StripeClient) -> None:
    """Stripe keeps an answer only once the endpoint has begun."""
    once = key()
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.payment_intents.create({"currency": "eur"}, once)  # type: ignore[typeddict-item]  # wrong on purpose
    assert (missing.value.code, missing.value.param) == ("parameter_missing", "amount")
    assert client.v1.payment_intents.create(new(), once).id


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ],
)
def test_a_decline_has_its_codes_and_is_replayed(
    client: stripe.StripeClient, method: str, code: str, decline_code: str
) -> None:
    """The answer's codes stand in the intent as well, and the intent may be confirmed again."""
    intent, once = client.v1.payment_intents.create(new()), key()
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refused:
            client.v1.payment_intents.confirm(intent.id, {"payment_method": method}, once)
        assert refused.value.error is not None
        assert (refused.value.code, refused.value.error.decline_code) == (code, decline_code)
    intent = client.v1.payment_intents.retrieve(intent.id)
    assert intent.last_payment_error is not None
    assert (intent.status, intent.amount_received) == ("requires_payment_method", 0)
    assert (intent.last_payment_error.code, intent.last_payment_error.decline_code) == (code, decline_code)
    assert client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_a_payment_method_that_does_not_exist_is_not_a_decline(client: stripe.StripeClient) -> None:
    """It is an invalid request, which names the parameter."""
    intent = client.v1.payment_intents.create(new())
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_never_heard_of"})
    assert (refused.value.code, refused.value.param) == ("resource_missing", "payment_method")


def test_a_card_that_wants_authentication_parks_the_intent(client: stripe.StripeClient) -> None:
    """Nothing is taken, and the intent can be canceled with a reason."""
    intent = client.v1.payment_intents.create(new())
    intent = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_threeDSecure2Required"})
    assert (intent.status, intent.amount_received) == ("requires_action", 0)
    client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    intent = client.v1.payment_intents.retrieve(intent.id)
    assert (intent.status, intent.cancellation_reason) == ("canceled", "abandoned")


def test_a_canceled_intent_is_never_confirmed_nor_canceled_again(client: stripe.StripeClient) -> None:
    """The door stays shut."""
    intent = client.v1.payment_intents.create(new())
    client.v1.payment_intents.cancel(intent.id)
    with pytest.raises(stripe.InvalidRequestError) as confirmed:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError) as canceled:
        client.v1.payment_intents.cancel(intent.id)
    assert confirmed.value.code == canceled.value.code == UNEXPECTED
    assert client.v1.payment_intents.retrieve(intent.id).amount_received == 0


def test_a_hold_is_captured_once_and_not_after_its_cancellation(client: stripe.StripeClient) -> None:
    """An authorisation that was voided is gone."""
    intents = [client.v1.payment_intents.create(new(manual=True)) for _ in range(2)]
    for intent in intents:
        held = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
        assert (held.status, held.amount_capturable) == ("requires_capture", 7990)
    assert client.v1.payment_intents.cancel(intents[0].id).status == "canceled"
    assert client.v1.payment_intents.capture(intents[1].id).amount_received == 7990
    for intent in intents:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payment_intents.capture(intent.id)
        assert refused.value.code == UNEXPECTED


def test_what_succeeded_is_neither_confirmed_nor_canceled(client: stripe.StripeClient) -> None:
    """Money that was taken goes back by a refund only."""
    intent = paid(client)
    with pytest.raises(stripe.InvalidRequestError) as confirmed:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError) as canceled:
        client.v1.payment_intents.cancel(intent.id)
    assert confirmed.value.code == canceled.value.code == UNEXPECTED


def test_the_whole_is_refunded_once(client: stripe.StripeClient) -> None:
    """A second refund with another key is refused; with the same key it is the same refund."""
    intent, once = paid(client), key()
    refunds = [client.v1.refunds.create({"payment_intent": intent.id}, once) for _ in range(2)]
    assert refunds[0].id == refunds[1].id
    assert refunds[0].amount == 7990
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id}, key())
    assert refused.value.code == "charge_already_refunded"
    charge = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert charge.status == "succeeded"  # a refund does not change the intent's state


def test_what_was_not_taken_is_not_refunded(client: stripe.StripeClient) -> None:
    """Nor more than was taken."""
    open_, intent = client.v1.payment_intents.create(new()), paid(client)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": open_.id})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 7991})


def test_an_intent_that_does_not_exist_is_missing(client: stripe.StripeClient) -> None:
    """404, resource_missing."""
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.payment_intents.retrieve("pi_never_heard_of")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


def test_one_key_from_many_threads_makes_one_object(client: stripe.StripeClient, server: StripeServer) -> None:
    """A request that meets its twin at work gets a 409, never a second charge."""
    server.pause_s_max = 0.05
    intent, once = client.v1.payment_intents.create(new()), key()
    barrier, seen = threading.Barrier(4), list[str]()

    def confirm() -> None:
        barrier.wait()
        try:
            answer = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}, once)
            seen.append(str(answer.latest_charge))
        except stripe.APIError as error:
            seen.append(str(error.http_status))

    threads = [threading.Thread(target=confirm) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert len(set(seen) - {"409"}) == 1


def test_a_wrong_key_opens_nothing(server: StripeServer) -> None:
    """401 is not the customer's fault."""
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("nonsense", base_addresses={"api": server.url}).v1.payment_intents.create(new())


def test_a_failure_of_the_server_is_replayed_too(server: StripeServer) -> None:
    """Stripe keeps a 500 as it keeps any answer. Test mode cannot be made to fail, so this is the server alone."""
    client = stripe.StripeClient("sk_test_1", base_addresses={"api": server.url}, max_network_retries=0)
    once = key()
    server.break_next("payment_intents")
    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as failed:
            client.v1.payment_intents.create(new(), once)
        assert failed.value.http_status == 500
        assert (failed.value.headers or {}).get("Idempotent-Replayed") == replayed
