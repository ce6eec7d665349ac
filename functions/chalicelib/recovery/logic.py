"""What becomes of a booking that no saga will finish.

The order of the looks decides a race with a saga that ends meanwhile: first its executions, then the booking, then its
rows in the due indexes. Once all executions have ended only a late step of theirs can still write, and every such step
is refused by what a settlement has closed. So what is seen after that is what a settlement will find, or less.

Nothing here writes to a booking's seat or money. A settlement is the cancellation saga, whose compensations do nothing
where there is nothing to undo; its execution's name lets each number start once, whoever starts it.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from chalicelib.recovery.models import (
    SETTLEMENTS_MAX,
    BookingFacts,
    Clear,
    DueOf,
    Kind,
    Leave,
    Raise,
    ReconcileCommand,
    Reconciled,
    Saga,
    Sagas,
    Settle,
    Verdict,
)
from chalicelib.shared import log, metrics
from chalicelib.shared.due import DueRow
from chalicelib.shared.errors import LelekaError
from chalicelib.shared.executions import booking_of

CLAIMED_AT_ONCE = 25
BUDGET_S = 40.0
_UNFINISHED = frozenset({"PENDING", "AWAITING_PAYMENT"})


class Services(Protocol):
    """What the reconciler asks of the others."""

    def claim(self, kind: Kind, limit: int) -> list[DueRow]: ...

    def due_of(self, booking_id: str) -> DueOf: ...

    def clear(self, rows: DueOf) -> None: ...

    def booking(self, booking_id: str) -> BookingFacts | None: ...

    def execution_id(self, booking_id: str) -> str: ...

    def sagas(self, booking_id: str, ended_arn: str | None = None) -> Sagas: ...

    def settle(self, booking: BookingFacts, settlement: Settle) -> bool: ...

    def tell_operator(self, booking_id: str, problem: Raise) -> None: ...

    def flag(self, booking: BookingFacts, problem: Raise) -> bool: ...


def reconcile(command: ReconcileCommand, services: Services, monotonic: Callable[[], float]) -> Reconciled:
    """One booking, or whatever is due until the time is over. One booking's failure stops no other.

    Raises:
        LelekaError: the one booking that was asked for could not be looked at; the same may be asked again.
    """
    log.info("reconciling", trigger=command.trigger)
    done = Reconciled()
    booking_id = command.booking_id
    if command.execution_arn is not None:
        booking_id = booking_of(command.execution_arn)
        if booking_id is None:
            log.warning("an execution ended that is no booking's", execution=command.execution_arn)
            return done
    if booking_id is not None:
        with log.about(booking_id=booking_id, execution_id=command.execution_arn or services.execution_id(booking_id)):
            _look_at(booking_id, services, done, ended_arn=command.execution_arn)
        return done
    until_s = monotonic() + BUDGET_S
    for due_id, rows in _claimed(services, until_s, monotonic):
        with log.about(booking_id=due_id, execution_id=services.execution_id(due_id)):
            try:
                _look_at(due_id, services, done, claimed=rows)
            except LelekaError as error:
                log.warning("a due booking could not be looked at", error=type(error).__name__)
                done.failed.append(due_id)
    return done


def decide(booking: BookingFacts | None, sagas: Sagas, rows: DueOf) -> Verdict:
    """The verdict on what was seen in that order: executions, booking, rows."""
    if sagas.at_work:
        return Leave()
    if booking is None:
        return Raise("BookingMissing", "there is a hold or a payment, and no booking") if rows else Leave()
    return _without_saga(booking.status, sagas, rows)


def _without_saga(status: str, sagas: Sagas, rows: DueOf) -> Verdict:
    match status:
        case "REQUESTED":
            # Without an execution nobody has begun: the customer's next attempt does, or the request expires.
            return _settle(sagas) if sagas.booking is not Saga.ABSENT else Clear()
        case "PENDING" | "AWAITING_PAYMENT":
            return _settle(sagas)
        case "CANCELLED":
            return _settle(sagas) if {Kind.HOLD, Kind.PAYMENT} & rows.keys() else Clear()
        case "CONFIRMED":
            return _confirmed(sagas, rows)
        case _:
            return Leave()  # NEEDS_ATTENTION: a person has it


def _confirmed(sagas: Sagas, rows: DueOf) -> Verdict:
    if sagas.cancellation_broke:
        return _settle(sagas)
    if Kind.HOLD in rows:
        return Raise("ConfirmedWithoutSale", "the booking is confirmed and its seat is only held")
    if Kind.PAYMENT in rows and rows[Kind.PAYMENT].state != "CHARGED":
        return Raise("ConfirmedWithoutCharge", f"the booking is confirmed and its payment {rows[Kind.PAYMENT].state}")
    return Clear()


def _settle(sagas: Sagas) -> Verdict:
    number = len(sagas.settlements) + 1
    if number > SETTLEMENTS_MAX:
        return Raise("SettlementsUsedUp", f"{SETTLEMENTS_MAX} settlements have ended and the booking is not finished")
    if sagas.cancellation is not Saga.ABSENT:
        return Settle(number, "CancelledByCustomer", "the customer cancelled, and the cancellation was lost")
    return Settle(number, "SagaLost", "the booking's saga ended without finishing it")


def _claimed(services: Services, until_s: float, monotonic: Callable[[], float]) -> Iterator[tuple[str, DueOf]]:
    """Bookings with what is due of them, until nothing is or the time is over."""
    kinds = list(Kind)
    while kinds:
        found: dict[str, DueOf] = {}
        for kind in list(kinds):
            rows = _claim(kind, services)
            if len(rows) < CLAIMED_AT_ONCE:
                kinds.remove(kind)
            for row in rows:
                found.setdefault(row.booking_id, {})[kind] = row
        for booking_id, due in found.items():
            if monotonic() >= until_s:
                return  # the others come again when their lease is over
            yield booking_id, due


def _claim(kind: Kind, services: Services) -> list[DueRow]:
    try:
        return services.claim(kind, CLAIMED_AT_ONCE)
    except LelekaError as error:
        log.warning("nothing could be claimed", kind=kind, error=type(error).__name__, detail=str(error))
        return []


def _look_at(
    booking_id: str,
    services: Services,
    done: Reconciled,
    *,
    claimed: DueOf | None = None,
    ended_arn: str | None = None,
) -> None:
    if claimed and _is_kept(booking_id, claimed, services):
        services.clear(claimed)
        done.cleared.append(booking_id)
        return
    sagas = services.sagas(booking_id, ended_arn)
    if sagas.at_work:
        done.left.append(booking_id)
        return
    booking = services.booking(booking_id)
    unfinished = booking is not None and booking.status in _UNFINISHED
    rows = {} if unfinished else services.due_of(booking_id)
    verdict = decide(booking, sagas, rows)
    log.info("looked at", status=booking and booking.status, verdict=type(verdict).__name__)
    _carry_out(verdict, booking_id, booking, rows, services, done)


def _is_kept(booking_id: str, claimed: DueOf, services: Services) -> bool:
    """The usual case, in two calls: the charge of a booking that is confirmed. If a cancellation is at work all the
    same, it has made the booking due itself."""
    if claimed.keys() != {Kind.PAYMENT} or claimed[Kind.PAYMENT].state != "CHARGED":
        return False
    booking = services.booking(booking_id)
    return booking is not None and booking.status == "CONFIRMED"


def _carry_out(
    verdict: Verdict, booking_id: str, booking: BookingFacts | None, rows: DueOf, services: Services, done: Reconciled
) -> None:
    match verdict:
        case Settle() if booking is not None and services.settle(booking, verdict):
            metrics.count("Settled", reason=verdict.error)
            done.settled.append(booking_id)
        case Raise():
            # Told first: a death between the two tells twice; the other way round it would tell nobody.
            services.tell_operator(booking_id, verdict)
            if booking is None:
                services.clear(rows)
                metrics.count("StuckCompensations", step="Reconcile")  # a booking's own flag would count it
            else:
                services.flag(booking, verdict)
            done.raised.append(booking_id)
        case Clear():
            services.clear(rows)
            done.cleared.append(booking_id)
        case _:
            done.left.append(booking_id)
