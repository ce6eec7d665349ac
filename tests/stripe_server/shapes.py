"""Stripe's test payment methods, and the shape of its errors."""

from typing import Any

type Json = dict[str, Any]

DECLINES: dict[str, tuple[str, str | None]] = {
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", None),
}
AUTHENTICATED = frozenset({"pm_card_authenticationRequired", "pm_card_threeDSecure2Required"})
APPROVED = frozenset({"pm_card_visa", "pm_card_mastercard", "pm_card_amex"})

MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}


class StripeFault(Exception):
    """An answer other than 200. ``begun`` tells whether the endpoint had begun: only then is it remembered."""

    def __init__(self, status: int, kind: str, message: str, *, begun: bool = True, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.begun = begun
        self.body: Json = {"error": {"type": kind, "message": message, **details}}


def invalid(message: str, *, status: int = 400, begun: bool = True, **details: Any) -> StripeFault:
    """An invalid_request_error."""
    return StripeFault(status, "invalid_request_error", message, begun=begun, **details)


def missing(kind: str, object_id: str, param: str, status: int = 404) -> StripeFault:
    """No such object."""
    return invalid(f"No such {kind}: '{object_id}'", status=status, code="resource_missing", param=param)


def declined(error: Json) -> StripeFault:
    """The 402 of a decline; ``error`` is also the intent's last_payment_error."""
    return StripeFault(402, "card_error", error["message"], **{k: v for k, v in error.items() if k != "message"})
