"""What Leleka needs of a payment provider, whoever it is."""

from typing import Protocol

from chalicelib.payment.models import Closure, Receipt


class PaymentGateway(Protocol):
    """One payment a booking; the booking id is the provider's idempotency key, so every call may be repeated."""

    def charge(self, booking_id: str, amount_minor: int, currency: str, payment_method: str) -> Receipt:
        """Takes the money once.

        Raises:
            CardDeclined, InsufficientFunds, PaymentMethodRejected: a definite no; asking again gives the
                same answer.
            AlreadyCompensated: ``close`` came first; nothing was taken, nothing ever will be.
            PaymentOutcomeUnknown: no answer; the charge may stand. Ask again with the same booking.
        """

    def close(self, booking_id: str) -> Closure:
        """Gives back whatever was taken and makes sure that a charge which is still on its way finds the door shut.

        Raises:
            PaymentOutcomeUnknown: no answer; ask again.
        """
