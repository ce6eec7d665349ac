"""Charge once, keep the money only for a confirmed booking.

The order of the writes is what keeps the promise through a crash between any two lines:

* Charging opens the ledger row first, then asks the gateway, then records. A crash leaves a row that says STARTED; the
  same step again asks the gateway with the same key and gets the same answer.
* Refunding closes the row first, then the gateway. From then on no charge can start here, and one that is already on
  its way finds the gateway closed.
"""

from typing import Protocol

import msgspec

from chalicelib.payment.gateway import PaymentGateway
from chalicelib.payment.models import Closure, ProcessPaymentCommand, Receipt, RefundPaymentCommand
from chalicelib.payment.store import PaymentStore
from chalicelib.shared import metrics, outcomes
from chalicelib.shared.errors import CardDeclined, InsufficientFunds, LelekaError, PaymentMethodRejected


class Replies(Protocol):
    """The saga that waits for an answer."""

    def succeed(self, task_token: str, output: object) -> bool: ...

    def fail(self, task_token: str, error: LelekaError) -> bool: ...


def carry_out(
    command: ProcessPaymentCommand | RefundPaymentCommand,
    store: PaymentStore,
    gateway: PaymentGateway,
    replies: Replies,
) -> None:
    """Carries the command out and answers the saga. A refusal and "ask again" are answers too: the saga decides."""
    try:
        if isinstance(command, ProcessPaymentCommand):
            output: object = msgspec.to_builtins(process_payment(command, store, gateway))
        else:
            output = refund_payment(command.booking_id, store, gateway).refunded_minor
    except LelekaError as error:
        outcomes.tell(error, raised=False)
        replies.fail(command.task_token, error)
        return
    replies.succeed(command.task_token, output)


def process_payment(command: ProcessPaymentCommand, store: PaymentStore, gateway: PaymentGateway) -> Receipt:
    """Charges the booking once, however often it is asked.

    Raises:
        CardDeclined, InsufficientFunds, PaymentMethodRejected: nothing was charged.
        AlreadyCompensated: the refund came first; nothing is charged.
        PaymentOutcomeUnknown, StoreBusy: no verdict; the step may be repeated and charges once.
    """
    store.start(command.booking_id, command.amount_minor, command.currency)
    try:
        with metrics.timed_ms("PaymentLatency"):
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
    if store.close(booking_id, closure.refunded_minor) and closure.refunded_minor:
        metrics.count("Compensations", step="RefundPayment")
    return closure
