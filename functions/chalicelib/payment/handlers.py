"""Lambda entry points of the payment service."""

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.payment import logic
from chalicelib.payment.models import Closure, ProcessPaymentCommand, Receipt, RefundPaymentCommand
from chalicelib.shared.step import step

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="ProcessPayment")
@step(ProcessPaymentCommand)
def process_payment(command: ProcessPaymentCommand) -> Receipt:
    """T6."""
    return logic.process_payment(command, bootstrap.payment_store(), bootstrap.payment_gateway())


@blueprint.lambda_function(name="RefundPayment")
@step(RefundPaymentCommand)
def refund_payment(command: RefundPaymentCommand) -> Closure:
    """C4."""
    return logic.refund_payment(command.booking_id, bootstrap.payment_store(), bootstrap.payment_gateway())
