"""Lambda entry point of the notification service: booking events from SNS by way of SQS."""

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.notification import logic
from chalicelib.notification.models import BookingEvent
from chalicelib.shared.clock import system_clock
from chalicelib.shared.step import messages

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="NotifyCustomer")
@messages(BookingEvent)
def notify_customer(event: BookingEvent) -> None:
    """One event; what could not be sent comes again."""
    logic.notify(event, bootstrap.sent_store(), bootstrap.bookings(), bootstrap.mail_server(), system_clock)
