"""Stripe as the payment provider: one PaymentIntent a booking, created unconfirmed, then confirmed.

What keeps the promises through a crash between any two lines:

* The intent's id stands in the :class:`~chalicelib.payment.intents.IntentStore` before it is confirmed, so there is no
  money that ``close`` cannot find, a day or a month later.
* An intent succeeds at most once and a canceled one never does: Stripe's own state machine is the authority. The
  idempotency keys (``<booking>:<operation>``) make the calls repeatable while Stripe remembers them.
* A repeated charge asks Stripe for the intent first and answers by its state: a decline stays a decline.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import stripe

from chalicelib.payment.intents import IntentStore
from chalicelib.payment.models import Closure, Receipt
from chalicelib.payment.refusals import GatewayUnusable, refusal
from chalicelib.shared.errors import AlreadyCompensated, PaymentMethodRejected, PaymentOutcomeUnknown

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

type Intent = stripe.PaymentIntent
type Operation = Literal["intent", "confirm", "abandon", "cancel", "refund"]

_CONNECT_S, _READ_S = 1.0, 2.5
_RETRIES = 1  # so a call that gets no answer takes about 6 s
_CONFIRM_BY_S = 2.0  # 8 s for a charge; one that has used these up first is asked again
_METHOD_ID = re.compile(r"pm_\w{1,250}", re.ASCII)

stripe.enable_telemetry = False  # it writes a file in the home directory, which Lambda does not have


class StripeGateway:
    """The :class:`~chalicelib.payment.gateway.PaymentGateway` of production. Besides what the protocol raises, every
    method may raise GatewayUnusable, and StoreBusy from the intent store."""

    def __init__(
        self,
        api_key: str,
        intents: IntentStore,
        *,
        api_base: str = stripe.DEFAULT_API_BASE,
        http_client: stripe.HTTPClient | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._intents, self._clock = intents, clock
        client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base},
            max_network_retries=_RETRIES,
            http_client=http_client or stripe.RequestsClient(timeout=(_CONNECT_S, _READ_S)),
        )
        self._payments, self._refunds = client.v1.payment_intents, client.v1.refunds

    def charge(self, booking_id: str, amount_minor: int, currency: str, payment_method: str) -> Receipt:
        """Takes the money once; what needs the customer's authentication (3-D Secure) is refused."""
        if not _METHOD_ID.fullmatch(payment_method):
            raise PaymentMethodRejected("the payment method is not an id that Stripe gave; nothing was charged")
        started_s = self._clock()
        known = self._intents.of(booking_id)
        with _answers():
            intent = self._payments.retrieve(known) if known else self._open(booking_id, amount_minor, currency)
            if _undecided(intent):
                if self._clock() - started_s > _CONFIRM_BY_S:
                    raise PaymentOutcomeUnknown("Stripe is slow; nothing was charged yet")
                intent = self._confirm(booking_id, intent.id, payment_method)
            return self._verdict(booking_id, intent)

    def close(self, booking_id: str) -> Closure:
        """Cancels the intent, or refunds it when it has succeeded; lets no other in."""
        intent_id = self._intents.close(booking_id)
        if intent_id is None:
            return Closure(refunded_minor=0)
        with _answers():
            intent = self._payments.retrieve(intent_id)
            if intent.status not in {"succeeded", "canceled"}:
                intent = self._cancel(booking_id, intent_id, "cancel")
            if intent.status == "canceled":
                return Closure(refunded_minor=0)
            if intent.status != "succeeded":
                raise PaymentOutcomeUnknown(f"Stripe's payment is {intent.status}; neither canceled nor refunded yet")
            self._refund(booking_id, intent_id)
            return Closure(refunded_minor=intent.amount_received)

    def _open(self, booking_id: str, amount_minor: int, currency: str) -> Intent:
        wanted: PaymentIntentCreateParams = {
            "amount": amount_minor,
            "currency": currency.lower(),
            "capture_method": "automatic",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"booking_id": booking_id},
        }
        created = self._once(booking_id, "intent", lambda options: self._payments.create(wanted, options))
        kept = self._intents.keep(booking_id, created.id)
        return created if kept == created.id else self._payments.retrieve(kept)

    def _confirm(self, booking_id: str, intent_id: str, payment_method: str) -> Intent:
        try:
            return self._once(
                booking_id,
                "confirm",
                lambda options: self._payments.confirm(intent_id, {"payment_method": payment_method}, options),
            )
        except stripe.CardError as error:
            raise refusal(_code_of(error.error)) from error
        except stripe.IdempotencyError:
            return self._payments.retrieve(intent_id)  # an earlier call named another method; its outcome stands
        except stripe.InvalidRequestError as error:
            intent = self._payments.retrieve(intent_id)
            if _undecided(intent):
                # A refusal is not compensated: left open, a command that comes again days later might still charge it.
                self._cancel(booking_id, intent_id, "abandon")
                raise PaymentMethodRejected("Stripe can't charge this payment method; nothing was charged") from error
            return intent

    def _verdict(self, booking_id: str, intent: Intent) -> Receipt:
        if intent.status == "requires_action":
            intent = self._cancel(booking_id, intent.id, "abandon")
        if intent.status == "succeeded":
            return Receipt(
                charge_id=str(intent.latest_charge),
                amount_minor=intent.amount_received,
                currency=intent.currency.upper(),
            )
        if intent.status == "canceled":
            if intent.cancellation_reason == "abandoned":
                raise refusal("authentication_required")
            raise AlreadyCompensated("the payment was closed before this charge arrived; nothing was charged")
        failure = intent.last_payment_error
        if intent.status == "requires_payment_method" and failure:
            raise refusal(_code_of(failure))
        raise PaymentOutcomeUnknown(f"Stripe's payment is {intent.status}; ask again")

    def _cancel(self, booking_id: str, intent_id: str, operation: Literal["abandon", "cancel"]) -> Intent:
        """The intent afterwards: canceled, unless another call was quicker."""
        reason = "abandoned" if operation == "abandon" else "requested_by_customer"
        try:
            return self._once(
                booking_id,
                operation,
                lambda options: self._payments.cancel(intent_id, {"cancellation_reason": reason}, options),
            )
        except stripe.InvalidRequestError:
            return self._payments.retrieve(intent_id)

    def _refund(self, booking_id: str, intent_id: str) -> None:
        try:
            refund = self._once(
                booking_id, "refund", lambda options: self._refunds.create({"payment_intent": intent_id}, options)
            )
        except stripe.InvalidRequestError as error:
            if error.code != "charge_already_refunded":
                raise
            return
        if refund.status not in {"succeeded", "pending"}:
            raise GatewayUnusable(f"Stripe's refund {refund.id} is {refund.status}: the money has not gone back")

    def _once[Answer](
        self, booking_id: str, operation: Operation, call: Callable[[stripe.RequestOptions], Answer]
    ) -> Answer:
        try:
            return call({"idempotency_key": f"{booking_id}:{operation}"})
        except stripe.APIError as error:
            if (error.headers or {}).get("Idempotent-Replayed") != "true":
                raise
            # Stripe would replay its own failure for a day. It is over by now, and the intent's state keeps the
            # repetition from taking or giving the money twice.
            return call({"idempotency_key": f"{booking_id}:{operation}:again"})


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise PaymentOutcomeUnknown(f"Stripe gave no verdict ({_named(error)}); ask again") from error
    except stripe.StripeError as error:
        raise GatewayUnusable(f"Stripe refused Leleka itself ({_named(error)})") from error


def _named(error: stripe.StripeError) -> str:
    return ", ".join(filter(None, [type(error).__name__, error.code, error.request_id]))


def _undecided(intent: Intent) -> bool:
    return intent.status == "requires_confirmation" or (
        intent.status == "requires_payment_method" and not intent.last_payment_error
    )


def _code_of(failure: stripe.StripeObject | None) -> str | None:
    # Stripe leaves out what has no value, and the SDK then has no such attribute.
    return getattr(failure, "decline_code", None) or getattr(failure, "code", None)
