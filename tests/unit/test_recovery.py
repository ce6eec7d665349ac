"""The reconciler: its verdict on everything that can be seen, and what it does about it, with the services as fakes."""

import itertools
from collections.abc import Callable
from typing import Any

import boto3
import msgspec
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.recovery.logic import BUDGET_S, CLAIMED_AT_ONCE, decide, reconcile
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
    RecoveryConfig,
    Saga,
    Sagas,
    Settle,
    Verdict,
)
from chalicelib.recovery.services import RecoveryServices
from chalicelib.shared.due import DueRow
from chalicelib.shared.errors import LelekaError, ServiceUnavailable
from chalicelib.shared.executions import booking_of
from chalicelib.shared.remote import RemoteFunctions

ABSENT, AT_WORK, SUCCEEDED, BROKEN = Saga
ID = "bk-" + "a" * 26
STATUSES = ["REQUESTED", "PENDING", "AWAITING_PAYMENT", "CONFIRMED", "CANCELLED", "NEEDS_ATTENTION"]
UNFINISHED = ["PENDING", "AWAITING_PAYMENT"]


def facts(status: str, booking_id: str = ID) -> BookingFacts:
    """A booking in that state."""
    return BookingFacts(booking_id, status, "KBP-BCN-0615", "12A", "lock-1")


def rows(**states: str) -> DueOf:
    """Due rows by kind, in these states."""
    return {Kind(kind): DueRow(ID, 1, state) for kind, state in states.items()}


BOTH = rows(hold="HELD", payment="CHARGED")


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(
    "sagas", [Sagas(AT_WORK, ABSENT), Sagas(BROKEN, AT_WORK), Sagas(BROKEN, ABSENT, [BROKEN, AT_WORK])]
)
def test_what_a_saga_works_at_is_left_alone(status: str, sagas: Sagas) -> None:
    """Whatever else is seen; also a settlement that another reconciler has started."""
    assert decide(facts(status), sagas, BOTH) == Leave()


@pytest.mark.parametrize("status", UNFINISHED)
@pytest.mark.parametrize("saga", [ABSENT, SUCCEEDED, BROKEN])
def test_an_unfinished_booking_without_a_saga_is_settled(status: str, saga: Saga) -> None:
    """However its saga ended, if it ever was."""
    verdict = decide(facts(status), Sagas(saga, ABSENT), {})
    assert isinstance(verdict, Settle)
    assert (verdict.number, verdict.error) == (1, "SagaLost")


def test_a_request_that_nobody_began_is_left_to_its_customer_and_one_whose_saga_died_is_settled() -> None:
    """The same request again starts the first; the second could never be started again, since its name is used."""
    assert decide(facts("REQUESTED"), Sagas(ABSENT, ABSENT), rows(booking="REQUESTED")) == Clear()
    assert isinstance(decide(facts("REQUESTED"), Sagas(BROKEN, ABSENT), {}), Settle)


@pytest.mark.parametrize("due", [rows(hold="HELD"), rows(payment="CHARGED"), rows(payment="CLOSED"), BOTH])
def test_what_a_cancelled_booking_still_has_is_settled(due: DueOf) -> None:
    """By the same compensations."""
    assert isinstance(decide(facts("CANCELLED"), Sagas(BROKEN, ABSENT), due), Settle)


def test_a_cancelled_booking_of_which_nothing_is_left_is_done() -> None:
    """What was due when it was claimed has been settled since."""
    assert decide(facts("CANCELLED"), Sagas(BROKEN, ABSENT, [SUCCEEDED]), {}) == Clear()


def test_the_charge_of_a_confirmed_booking_is_kept() -> None:
    """Also when its saga died after confirming, of which there is nothing to undo."""
    for saga in (SUCCEEDED, BROKEN):
        assert decide(facts("CONFIRMED"), Sagas(saga, ABSENT), rows(payment="CHARGED")) == Clear()


@pytest.mark.parametrize("sagas", [Sagas(SUCCEEDED, BROKEN), Sagas(BROKEN, ABSENT, [BROKEN])])
def test_a_confirmed_booking_whose_cancellation_broke_is_settled(sagas: Sagas) -> None:
    """Its money may be back already, so it can't be kept."""
    verdict = decide(facts("CONFIRMED"), sagas, rows(booking="CONFIRMED"))
    assert isinstance(verdict, Settle)
    assert verdict.error == ("CancelledByCustomer" if sagas.cancellation is BROKEN else "SagaLost")
    assert verdict.number == len(sagas.settlements) + 1


@pytest.mark.parametrize(
    "due", [rows(hold="HELD"), rows(payment="STARTED"), rows(payment="CLOSED"), rows(hold="HELD", payment="CHARGED")]
)
def test_a_confirmed_booking_that_contradicts_itself_goes_to_a_person(due: DueOf) -> None:
    """No compensation is right for it: a seat that is only held, or no charge."""
    assert isinstance(decide(facts("CONFIRMED"), Sagas(SUCCEEDED, ABSENT), due), Raise)


@pytest.mark.parametrize("due", [{}, BOTH, rows(booking="NEEDS_ATTENTION")])
def test_what_a_person_has_is_left_to_the_person(due: DueOf) -> None:
    """Until the operator drives it again."""
    assert decide(facts("NEEDS_ATTENTION"), Sagas(BROKEN, BROKEN, [BROKEN]), due) == Leave()


def test_a_hold_or_a_charge_without_a_booking_goes_to_a_person() -> None:
    """And where there is nothing at all, there is nothing to say."""
    assert isinstance(decide(None, Sagas(ABSENT, ABSENT), rows(hold="HELD")), Raise)
    assert decide(None, Sagas(ABSENT, ABSENT), {}) == Leave()


@pytest.mark.parametrize("status", ["REQUESTED", *UNFINISHED])
def test_after_five_settlements_a_person_has_to_look(status: str) -> None:
    """The numbers before are given in turn."""
    for used in range(SETTLEMENTS_MAX + 1):
        verdict = decide(facts(status), Sagas(BROKEN, ABSENT, [BROKEN] * used), {})
        assert isinstance(verdict, Settle if used < SETTLEMENTS_MAX else Raise)
        assert not isinstance(verdict, Settle) or verdict.number == used + 1


def test_a_confirmed_booking_is_settled_only_if_its_undoing_has_begun() -> None:
    """Over every combination that can be seen: nothing else may take a paid seat from its customer."""
    kinds: list[DueOf] = [{}, rows(booking="CONFIRMED"), rows(hold="HELD"), rows(payment="CHARGED"), BOTH]
    for booking, cancellation, settlement, due in itertools.product(Saga, Saga, Saga, kinds):
        sagas = Sagas(booking, cancellation, [] if settlement is ABSENT else [settlement])
        if isinstance(decide(facts("CONFIRMED"), sagas, due), Settle):
            assert BROKEN in {cancellation, settlement}
            assert AT_WORK not in {booking, cancellation, settlement}


@pytest.mark.parametrize("suffix", ["", "-settle-1", "-settle-12", "-redrive-3"])
def test_an_executions_booking_is_read_off_its_name(suffix: str) -> None:
    """Of either saga; names that are not ours are nobody's."""
    assert booking_of(f"arn:aws:states:eu-central-1:000000000000:execution:m:{ID}{suffix}") == ID
    for name in (f"{ID}-other-1", f"x{ID}", "by-hand", ""):
        assert booking_of(f"arn:aws:states:eu-central-1:000000000000:execution:m:{name}") is None


class FakeServices:
    """The others, with what they were asked in ``asked``, in order. A function put into ``meanwhile`` under the name of
    a call runs once, before that call answers: what the rest of the world does in that moment."""

    def __init__(self) -> None:
        self.status: dict[str, str] = {ID: "PENDING"}
        self.running: dict[str, Sagas] = {}
        self.rows: dict[str, DueOf] = {}
        self.claimable: dict[Kind, list[DueRow]] = {kind: [] for kind in Kind}
        self.started: set[tuple[str, int]] = set()
        self.asked: list[str] = []
        self.meanwhile: dict[str, Callable[[], None]] = {}
        self.broken: set[str] = set()

    def claim(self, kind: Kind, limit: int) -> list[DueRow]:
        """The next rows of that kind."""
        self._asked(f"claim {kind}")
        claimed, self.claimable[kind] = self.claimable[kind][:limit], self.claimable[kind][limit:]
        return claimed

    def execution_id(self, booking_id: str) -> str:
        """As the real ones name it."""
        return f"execution of {booking_id}"

    def due_of(self, booking_id: str) -> DueOf:
        """What is due of the booking now."""
        self._asked("due_of")
        return self.rows.get(booking_id, {})

    def clear(self, rows: DueOf) -> None:
        """Takes rows out."""
        self._asked("clear")
        for row in rows.values():
            self.rows.pop(row.booking_id, None)

    def booking(self, booking_id: str) -> BookingFacts | None:
        """The booking now."""
        self._asked("booking", booking_id)
        return facts(self.status[booking_id], booking_id) if booking_id in self.status else None

    def sagas(self, booking_id: str, ended_arn: str | None = None) -> Sagas:
        """Its executions now."""
        self._asked("sagas")
        seen = self.running.get(booking_id, Sagas(BROKEN, ABSENT))
        return Sagas(BROKEN, ABSENT) if ended_arn and seen.booking is AT_WORK else seen

    def settle(self, booking: BookingFacts, settlement: Settle) -> bool:
        """Starts each number once."""
        self._asked("settle")
        key = (booking.booking_id, settlement.number)
        if key in self.started:
            return False
        self.started.add(key)
        return True

    def tell_operator(self, booking_id: str, problem: Raise) -> None:
        """A message."""
        self._asked(f"tell {problem.problem}", booking_id)

    def flag(self, booking: BookingFacts, problem: Raise) -> bool:
        """NEEDS_ATTENTION."""
        self._asked(f"flag {problem.problem}")
        self.status[booking.booking_id] = "NEEDS_ATTENTION"
        return True

    def _asked(self, call: str, booking_id: str = "") -> None:
        self.asked.append(call)
        self.meanwhile.pop(call.partition(" ")[0], lambda: None)()
        if {call, booking_id} & self.broken:
            raise ServiceUnavailable("broken for this test")


@pytest.fixture
def services() -> FakeServices:
    """One booking, PENDING, whose saga is dead."""
    return FakeServices()


def run(services: FakeServices, **command: Any) -> Reconciled:
    """One reconcile that has all the time it needs."""
    return reconcile(ReconcileCommand(**command), services, lambda: 0.0)


def test_a_saga_that_confirms_while_it_is_looked_at_is_not_settled(services: FakeServices) -> None:
    """The booking is read after the executions: what a running saga is about to write is never taken for final."""
    services.running[ID] = Sagas(AT_WORK, ABSENT)

    def confirms() -> None:
        services.running[ID] = Sagas(SUCCEEDED, ABSENT)
        services.status[ID] = "CONFIRMED"

    services.meanwhile["sagas"] = confirms
    run(services, booking_id=ID)
    assert not services.started


def test_the_executions_are_looked_at_before_the_booking_and_the_rows_after_it(services: FakeServices) -> None:
    """The order is what decides the races."""
    services.status[ID] = "CANCELLED"
    run(services, booking_id=ID)
    assert services.asked[:3] == ["sagas", "booking", "due_of"]


def test_a_hold_that_was_sold_since_it_was_claimed_raises_nobody(services: FakeServices) -> None:
    """Claimed while its saga was about to confirm: the row is looked at again before anybody is told."""
    services.status[ID] = "CONFIRMED"
    services.running[ID] = Sagas(SUCCEEDED, ABSENT)
    services.claimable[Kind.HOLD] = [DueRow(ID, 1, "HELD")]
    done = run(services)
    assert done.raised == []
    assert services.status[ID] == "CONFIRMED"


def test_two_reconciles_at_once_settle_once(services: FakeServices) -> None:
    """The one that comes second to the name leaves it, and does not take the next number."""
    services.meanwhile["settle"] = lambda: setattr(services, "second", run(services, booking_id=ID))
    first = run(services, booking_id=ID)
    assert services.started == {(ID, 1)}
    assert (first.left, services.__dict__["second"].settled) == ([ID], [ID])


def test_an_execution_that_is_known_to_have_ended_is_not_waited_for(services: FakeServices) -> None:
    """The description may be later than the event."""
    services.running[ID] = Sagas(AT_WORK, ABSENT)
    assert run(services, booking_id=ID).left == [ID]
    assert run(services, execution_arn=f"arn:aws:states:eu:0:execution:m:{ID}").settled == [ID]


def test_an_execution_that_is_no_bookings_is_no_matter(services: FakeServices) -> None:
    """Somebody tried the state machine by hand."""
    assert run(services, execution_arn="arn:aws:states:eu:0:execution:m:by-hand") == Reconciled()
    assert services.asked == []


def test_a_booking_that_is_due_in_three_places_is_looked_at_once(services: FakeServices) -> None:
    """And settled once."""
    for kind, state in ((Kind.BOOKING, "PENDING"), (Kind.HOLD, "HELD"), (Kind.PAYMENT, "CHARGED")):
        services.claimable[kind] = [DueRow(ID, 1, state)]
    assert run(services).settled == [ID]
    assert services.asked.count("sagas") == 1


def test_a_charge_that_is_rightly_kept_costs_one_look(services: FakeServices) -> None:
    """The usual case after each booking."""
    services.status[ID] = "CONFIRMED"
    services.claimable[Kind.PAYMENT] = [DueRow(ID, 1, "CHARGED")]
    assert run(services).cleared == [ID]
    assert services.asked[-2:] == ["booking", "clear"]
    assert "sagas" not in services.asked


def test_all_that_is_due_is_claimed_batch_by_batch(services: FakeServices) -> None:
    """Until nothing is left."""
    ids = [f"bk-{number}" for number in range(2 * CLAIMED_AT_ONCE + 3)]
    services.status = dict.fromkeys(ids, "CONFIRMED")
    services.claimable[Kind.PAYMENT] = [DueRow(booking_id, 1, "CHARGED") for booking_id in ids]
    assert run(services).cleared == ids
    assert services.asked.count("claim payment") == 3
    assert services.asked.count("claim hold") == 1


def test_the_work_of_one_run_is_bounded_in_time(services: FakeServices) -> None:
    """What it did not come to comes again after its lease."""
    ids = [f"bk-{number}" for number in range(CLAIMED_AT_ONCE)]
    services.status = dict.fromkeys(ids, "CONFIRMED")
    services.claimable[Kind.PAYMENT] = [DueRow(booking_id, 1, "CHARGED") for booking_id in ids]
    ticks = itertools.count(0.0, BUDGET_S / 5)
    done = reconcile(ReconcileCommand(), services, lambda: next(ticks))
    assert 0 < len(done.cleared) < CLAIMED_AT_ONCE


def test_one_bookings_failure_stops_no_other(services: FakeServices) -> None:
    """Nor does a service that is down keep the others' rows from being found."""
    services.status = {"bk-1": "PENDING", "bk-2": "PENDING"}
    services.claimable[Kind.BOOKING] = [DueRow("bk-1", 1, "PENDING"), DueRow("bk-2", 1, "PENDING")]
    services.broken = {"bk-1", "claim hold"}
    done = run(services)
    assert (done.failed, done.settled) == (["bk-1"], ["bk-2"])


def test_the_failure_of_the_one_booking_that_was_asked_for_is_raised(services: FakeServices) -> None:
    """So that the event is tried again."""
    services.broken = {ID}
    with pytest.raises(LelekaError):
        run(services, booking_id=ID)


def test_a_person_is_told_before_the_booking_says_so(services: FakeServices) -> None:
    """A death between the two tells twice, never nobody; and once flagged it is left."""
    services.running[ID] = Sagas(BROKEN, ABSENT, [BROKEN] * SETTLEMENTS_MAX)
    assert run(services, booking_id=ID).raised == [ID]
    raised = [call for call in services.asked if call.startswith(("tell", "flag"))]
    assert raised == ["tell SettlementsUsedUp", "flag SettlementsUsedUp"]
    assert run(services, booking_id=ID).left == [ID]


def test_a_hold_without_a_booking_is_told_and_counted_once(
    services: FakeServices, capsys: pytest.CaptureFixture[str]
) -> None:
    """It leaves the index with the telling."""
    services.status.clear()
    services.rows[ID] = rows(hold="HELD")
    assert run(services, booking_id=ID).raised == [ID]
    assert run(services, booking_id=ID).left == [ID]
    assert services.asked.count("tell BookingMissing") == 1
    assert capsys.readouterr().out.count('"StuckCompensations":[1.0]') == 1


class FakeOrchestrator:
    """Step Functions' answers to one call."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def describe_execution(self, executionArn: str) -> Any:  # noqa: N803 - boto3's name
        """The status, or the error."""
        return self._say(executionArn)

    def start_execution(self, **_: Any) -> Any:
        """Started, or the error."""
        return self._say("")

    def _say(self, arn: str) -> Any:
        answer = self._answer(arn) if callable(self._answer) else self._answer
        if isinstance(answer, Exception):
            raise answer
        return {"status": answer}


def aws_error(code: str) -> ClientError:
    """As boto3 raises it."""
    return ClientError({"Error": {"Code": code, "Message": ""}}, "DescribeExecution")


def real_services(answer: Any) -> RecoveryServices:
    """The real thing, with an orchestrator of ours."""
    names = [name for name in RecoveryConfig.__struct_fields__ if name != "due_lease_s"]
    arn = "arn:aws:states:eu-central-1:000000000000:stateMachine:"
    given = {**dict.fromkeys(names, "x"), "saga_arn": f"{arn}b", "cancellation_saga_arn": f"{arn}c"}
    config = msgspec.convert(given, RecoveryConfig)
    lambdas = boto3.client("lambda", region_name="eu-central-1")
    orchestrator: Any = FakeOrchestrator(answer)
    sns: Any = None
    return RecoveryServices(RemoteFunctions(lambdas), orchestrator, sns, config)


@pytest.mark.parametrize(
    ("status", "saga"),
    [
        ("RUNNING", AT_WORK),
        ("PENDING_REDRIVE", AT_WORK),
        ("SOMETHING_NEW", AT_WORK),
        ("SUCCEEDED", SUCCEEDED),
        ("FAILED", BROKEN),
        ("TIMED_OUT", BROKEN),
        ("ABORTED", BROKEN),
        (aws_error("ExecutionDoesNotExist"), ABSENT),
    ],
)
def test_a_status_that_is_not_known_to_be_an_end_is_none(status: Any, saga: Saga) -> None:
    """Unknown is never taken for dead."""
    assert real_services(status).sagas(ID).booking is saga


@pytest.mark.parametrize(
    "error", [aws_error("ThrottlingException"), aws_error("AccessDenied"), EndpointConnectionError(endpoint_url="x")]
)
def test_an_orchestrator_that_gives_no_answer_is_not_one_without_the_execution(error: Exception) -> None:
    """Otherwise a throttled look would settle a healthy booking."""
    with pytest.raises(ServiceUnavailable):
        real_services(error).sagas(ID)
    with pytest.raises(ServiceUnavailable):
        real_services(error).settle(facts("PENDING"), Settle(1, "SagaLost", "because"))


def test_settlements_are_counted_up_to_the_first_that_is_not_there() -> None:
    """And no further than there can be."""
    names = {f"{ID}-settle-1": "ABORTED", f"{ID}-settle-2": "RUNNING", f"{ID}-settle-4": "RUNNING"}
    missing = aws_error("ExecutionDoesNotExist")
    sagas = real_services(lambda arn: names.get(arn.rpartition(":")[2], missing)).sagas(ID)
    assert sagas.settlements == [BROKEN, AT_WORK]
    assert len(real_services("FAILED").sagas(ID).settlements) == SETTLEMENTS_MAX


def test_a_settlement_whose_name_is_used_was_started_by_another() -> None:
    """Whether it still runs or not."""
    services = real_services(aws_error("ExecutionAlreadyExists"))
    assert not services.settle(facts("PENDING"), Settle(1, "SagaLost", "because"))


def test_every_verdict_is_one_of_four() -> None:
    """Over all that can be seen, the table has no hole that raises."""
    seen: set[type[Any]] = set()
    due: list[DueOf] = [{}, BOTH, rows(booking="x"), rows(payment="STARTED")]
    for status, saga, other, kinds in itertools.product([*STATUSES, "UNHEARD_OF"], Saga, Saga, due):
        verdict: Verdict = decide(facts(status), Sagas(saga, other), kinds)
        seen.add(type(verdict))
    assert seen == {Leave, Settle, Raise, Clear}
