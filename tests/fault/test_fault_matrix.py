"""The matrix without a stack: it covers what the state machines' files have, and knows where their executions end."""

import json
import zipfile
from collections import Counter
from io import BytesIO
from typing import Any

import pytest

from leleka.paths import PROJECT
from tests.fault import saga_file, selfcheck
from tests.fault.cases import matrix
from tests.fault.kinds import COLUMNS
from tests.fault.mutations import MUTATIONS, Mutation, MutationError
from tests.fault.report import Report
from tests.fault.saga_file import BOOKING, CANCELLATION, FOREVER, Saga, load

MATRIX = matrix()
SAGAS = {name: load(name) for name in (BOOKING, CANCELLATION)}


def definition() -> dict[str, Any]:
    """A copy of the booking saga, to change."""
    copy: dict[str, Any] = json.loads(json.dumps(SAGAS[BOOKING].definition))
    return copy


@pytest.mark.parametrize("saga", SAGAS)
def test_every_state_that_calls_something_meets_every_column_or_a_reason_why_not(saga: str) -> None:
    """Nothing is left out silently."""
    cases = {(case.state, case.column) for case in MATRIX.cases if case.saga == saga}
    reasons = {(state, column) for one, state, column in MATRIX.not_here if one == saga}
    tasks = {state.name for state in SAGAS[saga].tasks}
    assert cases | reasons == {(state, column) for state in tasks for column in COLUMNS}
    assert not cases & reasons
    assert not MATRIX.unreached


def test_there_are_enough_cases_and_their_names_are_their_own() -> None:
    """At least 150, and no two of one name."""
    assert len(MATRIX.cases) >= 150
    assert max(Counter(case.name for case in MATRIX.cases).values()) == 1


def test_a_new_state_gets_its_cases_by_being_in_the_file() -> None:
    """Nobody has to remember it."""
    changed = definition()
    changed["States"]["ChooseMeal"] = {**changed["States"]["ReserveBaggage"], "Resource": "${ChooseMeal}"}
    changed["States"]["ReserveBaggage"]["Next"] = "ChooseMeal"
    cases = [case for case in matrix(Saga(BOOKING, changed)).cases if case.state == "ChooseMeal"]
    assert {"business refusal", "crash after its effect", "late delivery", "Valkey frozen"} <= {c.column for c in cases}
    assert {fault["at"] for case in cases for fault in case.faults} == {"ChooseMeal"}


def test_a_state_that_no_scenario_comes_to_is_a_hole_and_says_so() -> None:
    """It counts as skipped, so the run fails."""
    changed = definition()
    changed["States"]["Nowhere"] = changed["States"]["ReserveBaggage"]
    holed = matrix(Saga(BOOKING, changed))
    assert holed.unreached == ["booking_saga: Nowhere"]
    assert json.loads(Report(holed, [], [], 1.0).json())["skipped"] == len(holed.cases) + 1


@pytest.mark.parametrize(
    ("told", "status", "error"),
    [
        ({}, "CONFIRMED", None),
        ({"ReserveSeat": ("SeatTaken", FOREVER)}, "CANCELLED", "SeatTaken"),
        ({"ReserveSeat": ("StoreBusy", 4)}, "CONFIRMED", None),
        ({"ReserveSeat": ("StoreBusy", 5)}, "CANCELLED", "StoreBusy"),
        ({"ConfirmSeat": ("Runtime.ExitError", 1)}, "CONFIRMED", None),
        ({"ProcessPayment": ("States.Timeout", FOREVER)}, "CANCELLED", "HoldLimitReached"),
        (
            {"ConfirmSeat": ("HoldLost", 1), "ReleaseBaggage": ("Unlucky", FOREVER)},
            "NEEDS_ATTENTION",
            "HoldLost",
        ),
    ],
)
def test_the_end_of_an_execution_is_computed_as_its_file_says(
    told: saga_file.Told, status: str, error: str | None
) -> None:
    """Retry, Catch, ResultPath and Choice, to the end."""
    walk = SAGAS[BOOKING].walk(told, method_given=True, renewals_max=2, status="REQUESTED")
    assert (walk.status, walk.error) == (status, error)


def test_a_tick_of_the_watchdog_is_no_other_way() -> None:
    """Paths are compared without their loops."""
    assert saga_file.without_loops(["A", "Pay", "Renew", "Pay", "Renew", "Pay", "B"]) == ["A", "Pay", "B"]


def test_the_quick_copy_differs_in_numbers_only() -> None:
    """Same states, same errors in the same order, same ways; shorter waits and fewer attempts."""
    deployed = json.loads((PROJECT / "statemachine" / f"{BOOKING}.asl.json").read_text())
    assert _without_numbers(saga_file.quick(deployed)) == _without_numbers(deployed)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_still_finds_what_it_breaks(mutation: Mutation) -> None:
    """In the code as it is now; and there are cases that should notice."""
    assert selfcheck.cases_for(mutation, MATRIX)
    if mutation.saga:
        assert mutation.definition(definition()) != definition()
        return
    source = (PROJECT / "functions" / mutation.file).read_bytes()
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        target.writestr(mutation.file, source)
    with zipfile.ZipFile(BytesIO(mutation.code(packed.getvalue()))) as broken:
        compile(broken.read(mutation.file), mutation.file, "exec")
        assert broken.read(mutation.file) != source


def test_a_mutation_without_its_place_is_an_error() -> None:
    """It must not pass for a break that nobody noticed, nor for one that was."""
    with pytest.raises(MutationError):
        Mutation("nothing", "", ("ReserveSeat",), "x.py", "gone", "").broken(b"here")


def _without_numbers(definition: dict[str, Any]) -> dict[str, Any]:
    for state in definition["States"].values():
        state.pop("TimeoutSeconds", None)
        for retry in state.get("Retry", []):
            for name in ("IntervalSeconds", "BackoffRate", "MaxAttempts", "MaxDelaySeconds", "JitterStrategy"):
                retry.pop(name, None)
    return definition
