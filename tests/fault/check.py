"""What must be true of one booking when all that goes wrong with it is over: the end that its case declares, and the
promises, read from every table by key, from Valkey and from the gateway. The shared check reads everything once more
when no saga is at work."""

import json
from collections import Counter
from collections.abc import Iterator

import redis

from leleka.mails import sent
from tests.fault.booking import Booking, Flight
from tests.fault.cases import Case, Result
from tests.fault.local import TTL_S, Local
from tests.fault.saga_file import BOOKING, FOREVER, without_loops
from tests.fault.watch import until
from tests.promises import Promises

_MESSAGES_MAX = 1000
_NO_MONEY = {None, "DECLINED", "INSUFFICIENT_FUNDS", "REFUNDED", "VOIDED", "LOST"}


def of_the_end(case: Case, booking: Booking, arn: str) -> Iterator[str]:
    """Where the saga ended, by which way, and whether what was planned did happen."""
    row, execution, expected = booking.row(), booking.execution(arn), case.expected
    if row.get("status") != expected.status:
        yield f"the booking is {row.get('status')}, not {expected.status}"
    if (execution["status"] == "SUCCEEDED") is not expected.succeeded:
        yield f"the saga {execution['status']}, error {execution.get('error')}"
    # LocalStack says ABORTED or States.Runtime of a stopped execution, depending on the moment.
    if not (expected.succeeded or case.trouble.stopped) and execution.get("error") != expected.error:
        yield f"the saga ended with {execution.get('error')}, not {expected.error}"
    told = case.saga == BOOKING and not case.trouble.stopped and case.trouble.prepare != "BookingClosed"
    if told and expected.status == "CANCELLED" and row.get("reason") != expected.error:
        yield f"the customer is told {row.get('reason')}, not {expected.error}"
    went = without_loops(booking.states(arn))
    if went != expected.path:
        yield f"it went {went}, not {expected.path}"
    for index, fault in enumerate(case.faults):
        wanted = 1 if fault["times"] == FOREVER else fault["times"]
        if booking.taken(index) < wanted:
            yield f"the fault {fault} was taken {booking.taken(index)} times: the case shows nothing"


def of_the_promises(booking: Booking, valkey: redis.Redis, *, lock_may_stay: bool) -> Iterator[str]:
    """Promises 1, 2, 3 and 6, for one booking."""
    row = booking.row()
    status = row.get("status")
    seat = booking.find("SeatsTable", {"flight_id": booking.flight_id, "seat": booking.seat})
    owned = seat.get("booking_id") == booking.booking_id
    key = {"booking_id": booking.booking_id}
    gateway, payment = booking.find("SandboxGatewayTable", key), booking.find("PaymentsTable", key)
    ledgers = {name: booking.find(name, key).get("state") for name in ("SeatLedgerTable", "BaggageLedgerTable")}
    if status == "CONFIRMED":
        if not owned or seat["status"] != "SOLD":
            yield "promise 1: confirmed, but the seat is not its own"
        if gateway.get("outcome") != "CHARGED" or gateway.get("amount_minor") != row.get("amount_minor"):
            yield f"promise 2: confirmed, but the gateway says {gateway}"
        if ledgers != {"SeatLedgerTable": "CONFIRMED", "BaggageLedgerTable": "HELD"}:
            yield f"promise 3: confirmed, but the ledgers say {ledgers}"
    elif status in {"CANCELLED", None}:
        if owned:
            yield f"promise 3: {status}, but the seat is {seat['status']} for it"
        if gateway.get("outcome") not in _NO_MONEY or payment.get("state") == "CHARGED":
            yield f"promise 2: {status}, but the gateway says {gateway}, the ledger {payment}"
        if gateway.get("outcome") == "REFUNDED" and row.get("refunded_minor") != gateway["amount_minor"]:
            yield f"promise 2: {gateway['amount_minor']} went back, the customer is told {row.get('refunded_minor')}"
        if not set(ledgers.values()) <= {None, "RELEASED"}:
            yield f"promise 3: {status}, but the ledgers say {ledgers}"
    else:
        yield f"promise 3: in the end it is {status}"
    if not lock_may_stay:
        lock = valkey.get(f"seat:{booking.flight_id}:{booking.seat}:lock")
        if lock is not None and lock.decode() == row.get("lock_id"):  # type: ignore[union-attr]  # not the async client
            yield "promise 6: its lock is left"


def of_everything(local: Local, results: list[Result]) -> Iterator[str]:
    """When all is quiet: the shared promise check over every table, the gateway and Valkey; the mails; the operator."""
    promises = Promises(local.stage)
    until(lambda: not promises.locks(), "promise 6: locks are left after their time", TTL_S + 30)
    try:
        promises.hold()
    except AssertionError as broken:
        yield str(broken)
    mails = Counter((mail.to, mail.subject) for mail in sent(local.stage, None, 100_000))
    yield from (f"{count} mails to {to}: {subject}" for (to, subject), count in mails.items() if count > 1)
    told = _told_to_the_operator(local)
    for result in results:
        raised = "NotifyOperator" in result.case.expected.path and not result.case.trouble.topicless
        if raised and not result.violations and result.booking_id not in told:
            yield f"promise 4: nobody was told of {result.case.name}"


def _told_to_the_operator(local: Local) -> set[str]:
    sqs, url, told = local.stage.aws.client("sqs"), local.stage.outputs["OperatorQueue"], set()
    for _ in range(_MESSAGES_MAX):
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages", [])
        if not messages:
            break
        told |= {json.loads(message["Body"]).get("booking_id", "") for message in messages}
    return told


def of_the_bags(flight: Flight, bookings: list[Booking]) -> Iterator[str]:
    """The quota of a flight, on which nobody else is at work, before and after these bookings."""
    quota = bookings[0].find("BaggageQuotaTable", {"flight_id": flight.flight_id})
    confirmed = [booking.bags for booking in bookings if booking.row().get("status") == "CONFIRMED"]
    wanted, flight.bags_free = flight.bags_free - sum(confirmed), quota["free"]
    if quota["free"] != wanted:
        yield f"promise 3: {wanted} bags should be free, and {quota['free']} are"
