"""What the reconciler asks: the services' functions, the orchestrator, the operator's topic."""

from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.recovery.models import (
    SETTLEMENTS_MAX,
    BookingFacts,
    DueOf,
    Kind,
    Raise,
    RecoveryConfig,
    Saga,
    Sagas,
    Settle,
)
from chalicelib.shared.due import DueQuery, DueRow, DueRows
from chalicelib.shared.errors import BookingClosed, BookingNotFound, ServiceUnavailable
from chalicelib.shared.executions import execution_arn
from chalicelib.shared.remote import RemoteFunctions

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient

_ENDED = {"SUCCEEDED": Saga.SUCCEEDED, "FAILED": Saga.BROKEN, "TIMED_OUT": Saga.BROKEN, "ABORTED": Saga.BROKEN}


class RecoveryServices:
    """Every call is bounded in time and raises Leleka's typed errors."""

    def __init__(
        self, functions: RemoteFunctions, orchestrator: "SFNClient", topics: "SNSClient", config: RecoveryConfig
    ) -> None:
        self._functions = functions
        self._orchestrator = orchestrator
        self._topics = topics
        self._config = config
        self._due_functions = {
            Kind.BOOKING: config.due_bookings_function,
            Kind.HOLD: config.due_holds_function,
            Kind.PAYMENT: config.due_payments_function,
        }

    def claim(self, kind: Kind, limit: int) -> list[DueRow]:
        """Rows that are due, which nobody else gets during the lease."""
        return self._due(kind, DueQuery(limit=limit, lease_s=self._config.due_lease_s))

    def due_of(self, booking_id: str) -> DueOf:
        """The booking's rows in the indexes as they are now, whatever their time."""
        found = {kind: self._due(kind, DueQuery(booking_id=booking_id)) for kind in Kind}
        return {kind: rows[0] for kind, rows in found.items() if rows}

    def clear(self, rows: DueOf) -> None:
        """Takes rows from the indexes, unless they have changed since they were seen."""
        for kind, row in rows.items():
            self._due(kind, DueQuery(done=[row]))

    def booking(self, booking_id: str) -> BookingFacts | None:
        """The booking as it stands, or None."""
        try:
            answer = self._functions.call(self._config.describe_booking_function, {"booking_id": booking_id})
        except BookingNotFound:
            return None
        return msgspec.convert(answer, BookingFacts)

    def execution_id(self, booking_id: str) -> str:
        """The booking's own saga, whether or not there is one."""
        return execution_arn(self._config.saga_arn, booking_id)

    def sagas(self, booking_id: str, ended_arn: str | None = None) -> Sagas:
        """The booking's executions. ``ended_arn`` is one that is known to have ended, which Step Functions'
        description, being a little late, may not say yet."""
        settlements: list[Saga] = []
        for number in range(1, SETTLEMENTS_MAX + 1):
            name = settlement_name(booking_id, number)
            saga = self._saga(self._config.cancellation_saga_arn, name, ended_arn)
            if saga is Saga.ABSENT:
                break
            settlements.append(saga)
        return Sagas(
            booking=self._saga(self._config.saga_arn, booking_id, ended_arn),
            cancellation=self._saga(self._config.cancellation_saga_arn, booking_id, ended_arn),
            settlements=settlements,
        )

    def settle(self, booking: BookingFacts, settlement: Settle) -> bool:
        """Starts the settlement; false if one of this number was started before, by somebody who was quicker.

        Raises:
            ServiceUnavailable: it may or may not have started; the same call again is safe.
        """
        try:
            self._orchestrator.start_execution(
                stateMachineArn=self._config.cancellation_saga_arn,
                name=settlement_name(booking.booking_id, settlement.number),
                input=msgspec.json.encode(settlement_input(booking, settlement)).decode(),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                return False
            raise ServiceUnavailable("the settlement did not start") from error
        except BotoCoreError as error:
            raise ServiceUnavailable("the orchestrator did not answer") from error
        return True

    def tell_operator(self, booking_id: str, problem: Raise) -> None:
        """A message on the operator's topic."""
        message = {"booking_id": booking_id, "stuck": _stuck(problem)}
        try:
            self._topics.publish(
                TopicArn=self._config.operator_topic,
                Subject="Leleka: a booking needs attention",
                Message=msgspec.json.encode(message).decode(),
            )
        except (BotoCoreError, ClientError) as error:
            raise ServiceUnavailable("the operator's topic took no message") from error

    def flag(self, booking: BookingFacts, problem: Raise) -> bool:
        """The booking becomes NEEDS_ATTENTION; false if it is no longer as it was seen."""
        command = {"booking_id": booking.booking_id, "stuck": _stuck(problem), "seen": booking.status}
        try:
            self._functions.call(self._config.flag_booking_function, command)
        except (BookingClosed, BookingNotFound):
            return False
        return True

    def _due(self, kind: Kind, query: DueQuery) -> list[DueRow]:
        return msgspec.convert(self._functions.call(self._due_functions[kind], query), DueRows).rows

    def _saga(self, machine_arn: str, name: str, ended_arn: str | None) -> Saga:
        arn = execution_arn(machine_arn, name)
        try:
            status = self._orchestrator.describe_execution(executionArn=arn)["status"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return Saga.ABSENT
            raise ServiceUnavailable(f"{name} could not be described") from error
        except BotoCoreError as error:
            raise ServiceUnavailable("the orchestrator did not answer") from error
        # A status that is not known to be an end is none.
        return _ENDED.get(status, Saga.BROKEN if arn == ended_arn else Saga.AT_WORK)


def settlement_name(booking_id: str, number: int) -> str:
    """The execution's name, and so what makes a settlement start once."""
    return f"{booking_id}-settle-{number}"


def settlement_input(booking: BookingFacts, settlement: Settle) -> dict[str, Any]:
    """As if the booking's own saga had failed after its last step, with the reason of the settlement as the error."""
    return {
        "booking_id": booking.booking_id,
        "flight_id": booking.flight_id,
        "seat": booking.seat,
        "ticket": {"lock_id": booking.lock_id},
        "refunded_minor": 0,
        "redriven": False,
        "error": {"Error": settlement.error, "Cause": settlement.cause},
    }


def _stuck(problem: Raise) -> dict[str, Any]:
    return {"Reconcile": {"Error": problem.problem, "Cause": problem.cause}}
