"""The account: payment intents, their charges and refunds, in memory."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.stripe_server.shapes import APPROVED, AUTHENTICATED, DECLINES, MESSAGES, Json, declined, invalid, missing

_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")


class Account:
    """One account. ``pause`` runs in the middle of every change, while the object is locked: races get their chance."""

    def __init__(self, pause: Callable[[], None]) -> None:
        self._pause = pause
        self._ids = itertools.count(1)
        self._new = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self.intents: dict[str, Json] = {}
        self.charges: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}

    def create(self, params: Json) -> Json:
        """POST /v1/payment_intents"""
        for name in ("amount", "currency"):
            if name not in params:
                text = f"Missing required param: {name}."
                raise invalid(text, code="parameter_missing", param=name, begun=False)
        if not params["amount"].isdigit() or int(params["amount"]) < 1:
            text = "This value must be greater than or equal to 1."
            raise invalid(text, code="parameter_invalid_integer", param="amount", begun=False)
        intent = {
            **self._object("payment_intent", "pi_test_"),
            "amount": int(params["amount"]),
            "amount_received": 0,
            "amount_capturable": 0,
            "currency": params["currency"],
            "capture_method": params.get("capture_method", "automatic_async"),
            "metadata": params.get("metadata", {}),
            "payment_method": None,
            "payment_method_types": ["card"],
            "status": "requires_payment_method",
            "latest_charge": None,
            "last_payment_error": None,
            "canceled_at": None,
            "cancellation_reason": None,
        }
        self._locks[intent["id"]] = threading.Lock()
        self.intents[intent["id"]] = intent
        return dict(intent)

    def retrieve(self, intent_id: str) -> Json:
        """GET /v1/payment_intents/:id"""
        return dict(self._intent(intent_id))

    def list(self, limit: int) -> Json:
        """GET /v1/payment_intents, newest first, with each intent's latest charge in full."""
        found = [self._expanded(intent) for intent in reversed(self.intents.values())]
        return {"object": "list", "url": "/v1/payment_intents", "has_more": len(found) > limit, "data": found[:limit]}

    def confirm(self, intent_id: str, params: Json) -> Json:
        """POST /v1/payment_intents/:id/confirm"""
        with self._locked(intent_id) as intent:
            _require(intent, _CONFIRMABLE, "This PaymentIntent could not be confirmed because it", "confirmed")
            method = params.get("payment_method", "")
            if method not in APPROVED | AUTHENTICATED | DECLINES.keys():
                raise missing("PaymentMethod", method, "payment_method", status=400)
            self._pause()
            if method in AUTHENTICATED:
                intent.update(status="requires_action", payment_method=method)
                return dict(intent)
            if method in DECLINES:
                self._decline(intent, *DECLINES[method])
            held = intent["capture_method"] == "manual"
            charge = self._charge(intent, "succeeded", captured=not held)
            intent.update(
                status="requires_capture" if held else "succeeded",
                payment_method=method,
                latest_charge=charge["id"],
                last_payment_error=None,
                amount_capturable=intent["amount"] if held else 0,
                amount_received=0 if held else intent["amount"],
            )
            return dict(intent)

    def capture(self, intent_id: str) -> Json:
        """POST /v1/payment_intents/:id/capture, of the whole amount"""
        with self._locked(intent_id) as intent:
            text = "This PaymentIntent could not be captured because it"
            _require(intent, ("requires_capture",), text, "captured")
            self.charges[intent["latest_charge"]].update(captured=True, amount_captured=intent["amount"])
            intent.update(status="succeeded", amount_capturable=0, amount_received=intent["amount"])
            return dict(intent)

    def cancel(self, intent_id: str, params: Json) -> Json:
        """POST /v1/payment_intents/:id/cancel"""
        with self._locked(intent_id) as intent:
            _require(intent, _CANCELABLE, "You cannot cancel this PaymentIntent because it", "canceled")
            self._pause()
            reason = params.get("cancellation_reason")
            intent.update(status="canceled", canceled_at=int(time.time()), cancellation_reason=reason)
            intent["amount_capturable"] = 0
            return dict(intent)

    def refund(self, params: Json) -> Json:
        """POST /v1/refunds of an intent"""
        intent_id = params.get("payment_intent", "")
        with self._locked(intent_id, param="payment_intent") as intent:
            charge = self.charges.get(intent["latest_charge"] or "")
            if charge is None or charge["status"] != "succeeded":
                raise invalid(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
            if not charge["captured"]:
                raise invalid("You must cancel the PaymentIntent to reverse the authorization instead of refunding.")
            left = charge["amount_captured"] - charge["amount_refunded"]
            if not left:
                text = f"Charge {charge['id']} has already been refunded."
                raise invalid(text, code="charge_already_refunded")
            amount = int(params.get("amount", left))
            if amount > left:
                text = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
                raise invalid(text, param="amount")
            self._pause()
            refunded = charge["amount_refunded"] + amount
            charge.update(amount_refunded=refunded, refunded=refunded == charge["amount_captured"])
            refund = {
                **self._object("refund", "re_test_"),
                "amount": amount,
                "charge": charge["id"],
                "currency": charge["currency"],
                "payment_intent": intent_id,
                "status": "succeeded",
            }
            self.refunds[refund["id"]] = refund
            return dict(refund)

    def _decline(self, intent: Json, code: str, decline_code: str | None) -> None:
        charge = self._charge(intent, "failed", captured=False)
        message = MESSAGES.get(decline_code or code, MESSAGES["generic_decline"])
        error: Json = {"code": code, "message": message, "charge": charge["id"]}
        if decline_code:
            error["decline_code"] = decline_code
        intent.update(status="requires_payment_method", payment_method=None, latest_charge=charge["id"])
        intent["last_payment_error"] = {"type": "card_error", **error}
        raise declined({**error, "payment_intent": dict(intent)})

    def _charge(self, intent: Json, status: str, *, captured: bool) -> Json:
        charge = {
            **self._object("charge", "ch_test_"),
            "payment_intent": intent["id"],
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if captured else 0,
            "amount_refunded": 0,
            "currency": intent["currency"],
            "captured": captured,
            "refunded": False,
            "status": status,
        }
        self.charges[charge["id"]] = charge
        return charge

    def _expanded(self, intent: Json) -> Json:
        return {**intent, "latest_charge": self.charges.get(intent["latest_charge"] or "")}

    def _object(self, kind: str, prefix: str) -> dict[str, Any]:
        with self._new:
            number = next(self._ids)
        return {"id": f"{prefix}{number:08}", "object": kind, "created": int(time.time()), "livemode": False}

    def _intent(self, intent_id: str, param: str = "intent") -> Json:
        if intent_id not in self.intents:
            raise missing("payment_intent", intent_id, param)
        return self.intents[intent_id]

    @contextmanager
    def _locked(self, intent_id: str, param: str = "intent") -> Iterator[Json]:
        intent = self._intent(intent_id, param)
        if not self._locks[intent_id].acquire(timeout=5):
            raise invalid("This object cannot be accessed right now.", status=429, code="lock_timeout", begun=False)
        try:
            yield intent
        finally:
            self._locks[intent_id].release()


def _require(intent: Json, allowed: tuple[str, ...], text: str, verb: str) -> None:
    if intent["status"] not in allowed:
        raise invalid(
            f"{text} has a status of {intent['status']}. Only a PaymentIntent with one of the following statuses may "
            f"be {verb}: {', '.join(allowed)}.",
            code="payment_intent_unexpected_state",
            payment_intent=dict(intent),
        )
