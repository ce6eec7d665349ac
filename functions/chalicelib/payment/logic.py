"""Charge once, keep the money only for a confirmed booking.

The order of the writes is what keeps the promise through a crash between any two lines:

* Charging opens the ledger row first, then asks the gateway, then records. A crash leaves a row that says STARTED; the
  same step again asks the gateway with the same key and gets the same answer.
* Refunding closes the row first, then the gateway. From then on no charge can start here, and one that is already on
  its way finds the gateway closed.
"""

from chalicelib.payment.gateway import PaymentGateway
from chalicelib.payment.models import Closure, ProcessPaymentCommand, Receipt
from chalicelib.payment.store import PaymentStore
from chalicelib.shared.errors import CardDeclined, InsufficientFunds, PaymentMethodRejected


def process_payment(command: ProcessPaymentCommand, store: PaymentStore, gateway: PaymentGateway) -> Receipt:
    """Charges the booking once, however often it is asked.

    Raises:
        CardDeclined, InsufficientFunds, PaymentMethodRejected: nothing was charged.
        AlreadyCompensated: the refund came first; nothing is charged.
        PaymentOutcomeUnknown, StoreBusy: no verdict; the step may be repeated and charges once.
    """
    store.start(command.booking_id, command.amount_minor, command.currency)
    try:
        receipt = gateway.charge(command.booking_id, command.amount_minor, command.currency, command.payment_method)
    except (CardDeclined, InsufficientFunds, PaymentMethodRejected):
        store.declined(command.booking_id)
        raise
    store.charged(command.booking_id, receipt)
    return receipt


def refund_payment(booking_id: str, store: PaymentStore, gateway: PaymentGateway) -> Closure:
    """Gives back whatever was taken and closes the payment. Repeating changes nothing.

    Raises:
        PaymentOutcomeUnknown, StoreBusy: no verdict; the step may be repeated and refunds once.
    """
    store.close(booking_id)
    closure = gateway.close(booking_id)
    store.close(booking_id, closure.refunded_minor)
    return closure
