"""Lambda entry points of the payment service: commands from a queue, each answered by its task token; and the payments
that somebody has to look at again."""

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.payment import logic
from chalicelib.payment.models import ProcessPaymentCommand, RefundPaymentCommand
from chalicelib.shared.clock import system_clock
from chalicelib.shared.due import DueQuery, DueRows
from chalicelib.shared.step import messages, step

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="CarryOutPayments")
@messages(ProcessPaymentCommand | RefundPaymentCommand)
def carry_out_payments(command: ProcessPaymentCommand | RefundPaymentCommand) -> None:
    """T6 and C4. A command that breaks comes again, and in the end is set aside."""
    logic.carry_out(command, bootstrap.payment_store(), bootstrap.payment_gateway(), bootstrap.task_replies())


@blueprint.lambda_function(name="DuePayments")
@step(DueQuery)
def due_payments(query: DueQuery) -> DueRows:
    """Payments that somebody has to look at again, for the reconciler."""
    return bootstrap.payment_store().due.answer(query, system_clock)
