"""The composition root: the one place where clients are built, and services are put together from their settings.

Everything is built on first use and kept for the life of the process, so a function builds only what it needs, and a
warm invocation builds nothing. Every client has its time-outs here.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

# Each function has a client, so this is imported with it, while Lambda lends a starting function a whole processor.
# botocore's, as boto3 adds nothing to a client and a tenth to what a start costs.
from botocore.config import Config
from botocore.session import Session, get_session

from chalicelib.shared import config

if TYPE_CHECKING:
    from chalicelib.api.models import ApiConfig
    from chalicelib.api.services import Services
    from chalicelib.baggage.store import BaggageStore
    from chalicelib.booking.models import BookingConfig, HoldLimits
    from chalicelib.booking.placing_store import PlacingStore
    from chalicelib.booking.store import BookingStore
    from chalicelib.flight.models import FlightConfig
    from chalicelib.flight.store import FlightStore
    from chalicelib.locking import SeatLock
    from chalicelib.notification.models import NotificationConfig
    from chalicelib.notification.store import Bookings, MailServer, SentStore
    from chalicelib.payment.gateway import PaymentGateway
    from chalicelib.payment.models import PaymentConfig
    from chalicelib.payment.store import PaymentStore
    from chalicelib.pricing.store import FareStore
    from chalicelib.recovery.services import RecoveryServices
    from chalicelib.seat.models import SeatConfig
    from chalicelib.seat.store import SeatStore
    from chalicelib.shared.task_replies import TaskReplies

# The functions' own imports stand inside the builders: a function must not pay at cold start for another's client.
# ruff: noqa: PLC0415


@functools.cache
def _aws(service: str, read_timeout_s: int = 3, attempts: int = 2) -> Any:
    settings = Config(
        connect_timeout=1, read_timeout=read_timeout_s, retries={"mode": "standard", "total_max_attempts": attempts}
    )
    return _session().create_client(service, config=settings)


@functools.cache
def _session() -> Session:
    return get_session()


@functools.cache
def _booking_config() -> "BookingConfig":
    from chalicelib.booking.models import BookingConfig

    return config.load(BookingConfig)


@functools.cache
def booking_store() -> "BookingStore":
    """The bookings table."""
    from chalicelib.booking.store import BookingStore

    settings = _booking_config()
    return BookingStore(_aws("dynamodb"), settings.bookings_table, settings.locators_table, settings.due_grace_s)


@functools.cache
def placing_store() -> "PlacingStore":
    """The tables that keeping a request writes."""
    from chalicelib.booking.placing_store import PlacingStore

    settings = _booking_config()
    tables = (settings.bookings_table, settings.locators_table, settings.hold_limits_table)
    return PlacingStore(_aws("dynamodb"), *tables, settings.due_grace_s)


@functools.cache
def place_booking() -> Callable[[Any], Any]:
    """Keeping a request, which the API does in its own process."""
    from chalicelib.booking import placing
    from chalicelib.booking.models import PlaceBookingCommand
    from chalicelib.shared.clock import system_clock
    from chalicelib.shared.nearby import nearby

    return nearby(
        PlaceBookingCommand,
        lambda command: placing.place_booking(command, placing_store(), hold_limits(), system_clock),
    )


@functools.cache
def describe_booking() -> Callable[[Any], Any]:
    """A booking for our own services, which the notification service reads in its own process."""
    from chalicelib.booking import logic
    from chalicelib.booking.models import DescribeBookingQuery
    from chalicelib.shared.nearby import nearby

    return nearby(DescribeBookingQuery, lambda query: logic.describe_booking(query.booking_id, booking_store()))


@functools.cache
def hold_limits() -> "HoldLimits":
    """What one customer, and one source, may hold."""
    from chalicelib.booking.models import HoldLimits

    settings = _booking_config()
    return HoldLimits(
        per_customer=settings.holds_per_customer,
        per_source=settings.holds_per_source,
        hold_ttl_s=settings.hold_ttl_s,
        cooldown_s=settings.hold_cooldown_s,
        counts_s=settings.hold_total_s + settings.due_grace_s,
        grace_s=settings.due_grace_s,
    )


@functools.cache
def task_replies() -> "TaskReplies":
    """The sagas that wait with a task token."""
    from chalicelib.shared.task_replies import TaskReplies

    return TaskReplies(_aws("stepfunctions"))


@functools.cache
def flight_config() -> "FlightConfig":
    """Settings of the flight service."""
    from chalicelib.flight.models import FlightConfig

    return config.load(FlightConfig)


@functools.cache
def flight_store() -> "FlightStore":
    """The flights table."""
    from chalicelib.flight.store import FlightStore

    settings = flight_config()
    return FlightStore(_aws("dynamodb"), settings.flights_table, settings.flights_by_route_index)


@functools.cache
def seat_config() -> "SeatConfig":
    """Settings of the seat service."""
    from chalicelib.seat.models import SeatConfig

    return config.load(SeatConfig)


@functools.cache
def seat_store() -> "SeatStore":
    """The seats table and its ledger."""
    from chalicelib.seat.store import SeatStore

    settings = seat_config()
    return SeatStore(
        _aws("dynamodb"),
        settings.seats_table,
        settings.seat_ledger_table,
        due_grace_s=settings.due_grace_s,
        lock_due_s=settings.lock_due_s,
    )


@functools.cache
def seat_lock() -> "SeatLock":
    """The seat lock, and what happens without it."""
    from chalicelib.locking import open_lock
    from chalicelib.locking.fallback import Fallback
    from chalicelib.seat.fallback_reports import FallbackReports

    settings = seat_config()
    lock = open_lock(
        settings.lock_url,
        settings.hold_ttl_s * 1000,
        settings.lock_timeout_ms,
        lead_first=settings.lock_lead_first,
        sessions=_session,
    )
    return Fallback(lock, FallbackReports())


@functools.cache
def baggage_store() -> "BaggageStore":
    """The baggage quota and its ledger."""
    from chalicelib.baggage.models import BaggageConfig
    from chalicelib.baggage.store import BaggageStore

    settings = config.load(BaggageConfig)
    return BaggageStore(_aws("dynamodb"), settings.baggage_quota_table, settings.baggage_ledger_table)


@functools.cache
def fare_store() -> "FareStore":
    """The fares table."""
    from chalicelib.pricing.models import PricingConfig
    from chalicelib.pricing.store import FareStore

    return FareStore(_aws("dynamodb"), config.load(PricingConfig).fares_table)


@functools.cache
def _payment_config() -> "PaymentConfig":
    from chalicelib.payment.models import PaymentConfig

    return config.load(PaymentConfig)


@functools.cache
def payment_store() -> "PaymentStore":
    """The payments ledger."""
    from chalicelib.payment.store import PaymentStore

    settings = _payment_config()
    return PaymentStore(
        _aws("dynamodb"), settings.payments_table, settings.payment_gateway, due_s=settings.payment_due_s
    )


@functools.cache
def payment_gateway() -> "PaymentGateway":
    """The payment provider of this stage."""
    settings = _payment_config()
    if settings.payment_gateway == "sandbox":
        from chalicelib.payment.sandbox import SandboxGateway

        return SandboxGateway(_aws("dynamodb"), settings.sandbox_gateway_table)
    from chalicelib.payment.intents import IntentStore
    from chalicelib.payment.secrets import load_secret
    from chalicelib.payment.stripe_gateway import StripeGateway

    key = load_secret(_aws("ssm"), settings.stripe_key_parameter)
    return StripeGateway(key, IntentStore(_aws("dynamodb"), settings.payments_table))


@functools.cache
def _notification_config() -> "NotificationConfig":
    from chalicelib.notification.models import NotificationConfig

    return config.load(NotificationConfig)


@functools.cache
def sent_store() -> "SentStore":
    """The record of what was sent."""
    from chalicelib.notification.store import SentStore

    return SentStore(_aws("dynamodb"), _notification_config().notifications_table)


@functools.cache
def bookings() -> "Bookings":
    """The booking service, for the notification service."""
    from chalicelib.notification.store import Bookings

    return Bookings(describe_booking())


@functools.cache
def mail_server() -> "MailServer":
    """The mail server."""
    from chalicelib.notification.store import MailServer

    return MailServer(_aws("ses"), _notification_config().sender_address)


@functools.cache
def recovery_services() -> "RecoveryServices":
    """What the reconciler asks."""
    from chalicelib.recovery.models import RecoveryConfig
    from chalicelib.recovery.services import RecoveryServices
    from chalicelib.shared.remote import RemoteFunctions

    functions = RemoteFunctions(_aws("lambda", 12, 2))
    return RecoveryServices(functions, _aws("stepfunctions"), _aws("sns"), config.load(RecoveryConfig))


@functools.cache
def api_config() -> "ApiConfig":
    """Settings of the API."""
    from chalicelib.api.models import ApiConfig

    return config.load(ApiConfig)


@functools.cache
def services() -> "Services":
    """The services behind the API."""
    from chalicelib.api.services import Services
    from chalicelib.shared.remote import RemoteFunctions

    functions, orchestrator = RemoteFunctions(_aws("lambda", 12, 2)), _aws("stepfunctions")
    # A lambda, so that it is not built before somebody books: most requests only look.
    return Services(functions, orchestrator, api_config(), lambda command: place_booking()(command))  # noqa: PLW0108
