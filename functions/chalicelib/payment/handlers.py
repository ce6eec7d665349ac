"""Lambda entry points of the payment service: commands from a queue, each answered by its task token; and the payments
that somebody has to look at again."""

from typing import Any

import msgspec
from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.payment import logic
from chalicelib.payment.models import ProcessPaymentCommand, RefundPaymentCommand
from chalicelib.shared import log
from chalicelib.shared.clock import system_clock
from chalicelib.shared.due import DueQuery, DueRows
from chalicelib.shared.step import step

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="CarryOutPayments")
def carry_out_payments(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """T6 and C4. What broke, as opposed to what was refused, is reported by message and comes again."""
    log.correlate(function="carry_out_payments", request_id=context.aws_request_id)
    failures = [record["messageId"] for record in event["Records"] if not _carried_out(record)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}


@blueprint.lambda_function(name="DuePayments")
@step(DueQuery)
def due_payments(query: DueQuery) -> DueRows:
    """Payments that somebody has to look at again, for the reconciler."""
    return bootstrap.payment_store().due.answer(query, system_clock)


def _carried_out(record: dict[str, Any]) -> bool:
    try:
        command = msgspec.json.decode(record["body"], type=ProcessPaymentCommand | RefundPaymentCommand)
        logic.carry_out(command, bootstrap.payment_store(), bootstrap.payment_gateway(), bootstrap.task_replies())
    except Exception:  # noqa: BLE001 - one bad message must not fail its batch; it is logged and reported
        log.logger.exception("payment command broke; the message comes again, and in the end is set aside")
        return False
    return True
