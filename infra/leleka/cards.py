"""How a customer pays on the command line: a card of the payment sandbox by its name, or a payment method's id."""

from enum import StrEnum


class Card(StrEnum):
    """Cards of the payment sandbox, by what happens to them."""

    APPROVED = "approved"
    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient-funds"
    SLOW = "slow"
    UNKNOWN = "unknown"
    UNKNOWN_LOST = "unknown-lost"

    @property
    def payment_method(self) -> str:
        """Its id at the payment provider."""
        return f"pm_{self.value.replace('-', '_')}"


def chosen(card: Card | None, payment_method: str | None) -> str | None:
    """The payment method's id that the options name; the id itself goes before the card. None if neither was given."""
    return payment_method or (card.payment_method if card else None)
