"""A part of the matrix on every `make test`: each kind of seam, and each kind of end, once or twice."""

import pytest

from tests.fault import check
from tests.fault.cases import Result, matrix
from tests.fault.local import local
from tests.fault.run import Runner

pytestmark = pytest.mark.stack

NAMES = [
    "ReserveSeat / crash after its effect",
    "ReserveSeat / DynamoDB's reply lost",
    "ReserveSeat / lock refuses",
    "ReserveBaggage / duplicate delivery",
    "ReserveBaggage / late delivery",
    "CalculatePrice / time-out",
    "ConfirmSeat / business refusal / HoldLost",
    "ProcessPayment / gateway silent after",
    "RefundPayment / SQS redelivers",
    "ReleaseBaggage / fails for ever",
    "CancelBooking / fails twice",
    "NotifyConfirmed / duplicate delivery",
    "ReleaseSeat (cancelling) / crash after its effect",
]
_AT_A_TIME = 7


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """All of them on a stack of their own, whose functions load the seams; and what the check of everything found."""
    chosen = [case for case in matrix().cases if case.name in NAMES]
    with local(tmp_path_factory.mktemp("faults"), _AT_A_TIME) as made:
        found = Runner(made, _AT_A_TIME).run(chosen, lambda _: None)
        everything = Result(chosen[0], list(check.of_everything(made, found)))
    return {**{result.case.name: result for result in found}, "everything": everything}


@pytest.mark.parametrize("name", [*NAMES, "everything"])
def test_it_ends_as_the_state_machine_says_and_the_promises_hold(results: dict[str, Result], name: str) -> None:
    """Real executions; the fault was met, the way and the end are the right ones, and nothing is left."""
    assert not results[name].violations
