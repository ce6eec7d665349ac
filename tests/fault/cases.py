"""The cases, made from the state machines' files: every state that calls something, against every column."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.fault.kinds import COLUMNS, OF_COMPENSATIONS
from tests.fault.local import RENEWALS_MAX
from tests.fault.saga_file import BOOKING, CANCELLATION, FOREVER, STATUS_AFTER, Saga, State, Told, Walk, load
from tests.fault.trouble import NotHereError, Trouble

_ENDS = {"CONFIRMED", "CANCELLED", "NEEDS_ATTENTION"}
_METHODS = {
    "CardDeclined": "pm_declined",
    "InsufficientFunds": "pm_insufficient_funds",
    "PaymentMethodRejected": "pm_nobody",
}


@dataclass(frozen=True)
class Scenario:
    """What happens around the fault. ``planned`` are faults at other states: (state, error, times)."""

    name: str
    method: str | None = "pm_approved"
    planned: tuple[tuple[str, str, int], ...] = ()

    @property
    def told(self) -> Told:
        """What the states are told in it."""
        return {state: (error, times) for state, error, times in self.planned}


@dataclass(frozen=True)
class Case:
    """One booking and what goes wrong with it."""

    saga: str
    state: str
    column: str
    trouble: Trouble
    scenario: Scenario
    expected: Walk
    faults: list[dict[str, Any]] = field(default_factory=list)
    asks: bool = False
    """Whether its state is the one that asks the customer."""

    @property
    def name(self) -> str:
        """Unique in the matrix."""
        where = self.state if self.saga == BOOKING else f"{self.state} (cancelling)"
        return " / ".join([where, self.column, *([self.trouble.detail] if self.trouble.detail else [])])

    @property
    def method(self) -> str | None:
        """The payment method of the request."""
        return _METHODS.get(self.trouble.prepare, self.scenario.method) if self.scenario.method else None

    @property
    def pays(self) -> bool:
        """Whether the customer pays when asked, before anything is done at a gate."""
        return self.scenario.method is None and not self.trouble.unpaid and not self.pays_late

    @property
    def pays_late(self) -> bool:
        """Whether the gate is where the customer is to be asked, so that paying comes after it."""
        gated = bool(self.trouble.outage) or self.trouble.stopped
        return self.scenario.method is None and gated and self.asks


@dataclass
class Result:
    """What came of a case; without violations it held."""

    case: Case
    violations: list[str] = field(default_factory=list)
    booking_id: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Matrix:
    """All cases, and what is no case: (saga, state, column) with the reason."""

    cases: list[Case]
    not_here: dict[tuple[str, str, str], str]
    unreached: list[str]
    """States that no scenario comes to: a hole in the matrix, counted as skipped."""


def matrix(booking: Saga | None = None, cancellation: Saga | None = None) -> Matrix:
    """The matrix of these state machines; of those in the project's files by default."""
    booking, cancellation = booking or load(BOOKING), cancellation or load(CANCELLATION)
    made = Matrix([], {}, [])
    _fill(made, booking, _booking_scenarios(booking), "REQUESTED", {})
    _fill(made, cancellation, _cancellation_scenarios(cancellation), "CONFIRMED", booking.states)
    return made


def _fill(made: Matrix, saga: Saga, scenarios: list[Scenario], status: str, same_as: dict[str, State]) -> None:
    for state in saga.tasks:
        scenario = next((one for one in scenarios if state.name in _walk(saga, one, {}, status).path), None)
        if scenario is None or (not state.at and state.calls != "topic"):
            made.unreached.append(f"{saga.name}: {state.name}")
            continue
        known = same_as.get(state.name)
        for column, troubles in COLUMNS.items():
            try:
                if known and known.body == state.body and column not in OF_COMPENSATIONS:
                    raise NotHereError("the same state, word for word, as in the booking saga")
                made.cases.extend(_cases(saga, state, column, troubles(state), scenario, status))
            except NotHereError as reason:
                made.not_here[saga.name, state.name, column] = str(reason)


def _cases(
    saga: Saga, state: State, column: str, troubles: list[Trouble], scenario: Scenario, status: str
) -> Iterator[Case]:
    for trouble in troubles:
        before = "CANCELLED" if trouble.prepare == "BookingClosed" else status
        told = {state.name: (trouble.told, trouble.told_times)} if trouble.told else {}
        expected = _walk(saga, scenario, told, before)
        if trouble.prepare == "BookingNotFound":
            expected = replace(expected, status=None)
        if trouble.stopped:
            expected = _stopped_at(saga, state, scenario, before)
        faults = [_fault(saga.states[name], error, times) for name, error, times in scenario.planned]
        if trouble.kind:
            faults.append({"at": state.at, "kind": trouble.kind, "times": trouble.times})
        elif trouble.prepare == "HoldLost":
            faults.append({"at": state.at, "kind": "gate", "times": 1})
        asks = state.calls == "function with token"
        yield Case(saga.name, state.name, column, trouble, scenario, expected, faults, asks)


def _walk(saga: Saga, scenario: Scenario, told: Told, status: str) -> Walk:
    return saga.walk(
        {**scenario.told, **told},
        method_given=scenario.method is not None,
        renewals_max=RENEWALS_MAX,
        status=status,
    )


def _stopped_at(saga: Saga, state: State, scenario: Scenario, status: str) -> Walk:
    """Where a booking has to come when its saga is stopped while this state is at work, which then does its work: to
    the end that it had reached by that, or else it is undone."""
    whole = _walk(saga, scenario, {}, status)
    way = whole.path[: whole.path.index(state.name) + 1]
    ends = [end for name in way if (end := STATUS_AFTER.get(name)) in _ENDS and name not in scenario.told]
    reached = ends[-1] if ends else "CANCELLED"
    stuck = whole.stuck if reached == "NEEDS_ATTENTION" else set()
    return Walk(way, succeeded=False, error=None, status=reached, stuck=stuck)


def _fault(state: State, error: str, times: int) -> dict[str, Any]:
    return {"at": state.at, "kind": f"{'answer' if state.calls == 'queue' else 'raise'}:{error}", "times": times}


def _booking_scenarios(saga: Saga) -> list[Scenario]:
    """Paid at once; held and paid later; refused by the last step; the same, with a compensation that gets stuck."""
    paid = Scenario("paid")
    way = [saga.states[name] for name in _walk(saga, paid, {}, "REQUESTED").path]
    last = [state for state in way if state.calls == "function"][-1]
    refused = (last.name, last.refusals[0], FOREVER)
    return [
        paid,
        Scenario("held", method=None),
        Scenario("rolled back", planned=(refused,)),
        Scenario("stuck", planned=(refused, _stuck(saga))),
    ]


def _cancellation_scenarios(saga: Saga) -> list[Scenario]:
    return [Scenario("cancelled"), Scenario("cancelled, stuck", planned=(_stuck(saga),))]


def _stuck(saga: Saga) -> tuple[str, str, int]:
    first = next(state for state in saga.tasks if state.undoes and state.calls == "function")
    return (first.name, "Unlucky", FOREVER)
