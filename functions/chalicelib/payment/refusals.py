"""What a provider's no means to Leleka."""

from chalicelib.shared.errors import CardDeclined, InsufficientFunds, LelekaError, PaymentMethodRejected, Refusal

# Stripe asks not to tell the customer that the issuer suspects a theft or a fraud.
_DISCREET = frozenset(
    {"fraudulent", "lost_card", "merchant_blacklist", "pickup_card", "restricted_card", "stolen_card"}
)


class GatewayUnusable(LelekaError):
    """The provider refused Leleka itself (key, permission, a request it does not accept), not the customer.

    No verdict on the money, and repeating does not help before an operator has acted: neither a Refusal nor Transient.
    """


def refusal(code: str | None) -> Refusal:
    """The error of a decline code; the message may be shown to the customer."""
    if code == "insufficient_funds":
        return InsufficientFunds("the account has too little money; nothing was charged")
    if code == "authentication_required":
        return PaymentMethodRejected("the card's issuer wants the customer to authenticate; nothing was charged")
    told = "generic_decline" if code is None or code in _DISCREET else code
    return CardDeclined(f"the card was declined ({told}); nothing was charged")
