"""Lambda entry point of the notification service: booking events from SNS by way of SQS."""

from typing import Any

import msgspec
from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.notification import logic
from chalicelib.notification.models import BookingEvent
from chalicelib.shared import log
from chalicelib.shared.clock import system_clock

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="NotifyCustomer")
def notify_customer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One batch from the queue; what could not be sent is reported by message and comes again."""
    log.correlate(function="notify_customer", request_id=context.aws_request_id)
    failures = [record["messageId"] for record in event["Records"] if not _sent(record)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}


def _sent(record: dict[str, Any]) -> bool:
    try:
        event = msgspec.json.decode(record["body"], type=BookingEvent)
        logic.notify(event, bootstrap.sent_store(), bootstrap.bookings(), bootstrap.mail_server(), system_clock)
    except Exception:  # noqa: BLE001 - one bad message must not fail its batch; it is logged and reported
        log.logger.exception("notification failed; the message comes again")
        return False
    return True
