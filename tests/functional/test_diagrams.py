"""The committed pictures against real executions: a booking that is paid for, one whose card is declined, and one that
is paid later and then cancelled."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from leleka import stages_here
from leleka.cli import app
from leleka.diagram.pictures import FOLDER, PICTURES
from leleka.stage import Stage
from tests.functional.customer import Customer, eventually

pytestmark = pytest.mark.stack
type Customers = Callable[[], Customer]


@pytest.fixture(autouse=True)
def _here(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command meets the stack of the tests."""
    monkeypatch.setattr(stages_here, "load", lambda _name: stage)


def drawn(ref: str) -> str:
    """What the command draws of a booking, as its user types it."""
    result = CliRunner().invoke(app, ["diagram", ref])
    assert result.exit_code == 0, result.output
    return result.stdout


def ended(ref: str) -> str:
    """The same once the end of the last execution is in its history."""
    eventually(lambda: "still running" not in drawn(ref), f"the history of {ref} has no end")
    return drawn(ref)


@pytest.mark.parametrize("name", PICTURES)
def test_the_committed_document_is_what_really_happens(customer: Customers, seat: str, name: str) -> None:
    """Letter for letter, whichever booking it was; by its locator and by its id."""
    method, status = PICTURES[name]
    olena = customer()
    booking = olena.outcome(olena.book(seat, method)["booking_id"])
    assert booking["status"] == status
    document = ended(booking["record_locator"])
    assert document == (FOLDER / f"{name}.puml").read_text(encoding="utf-8"), "stale; run: make diagrams"
    assert drawn(booking["booking_id"]) == document


def test_a_booking_that_waits_is_paid_and_is_cancelled_is_drawn_at_each_moment(customer: Customers, seat: str) -> None:
    """What was drawn before stays; the payment and the cancellation come from the customer, through the API."""
    olena = customer()
    booking_id = olena.waiting(olena.book(seat, method=None)["booking_id"])["booking_id"]
    eventually(lambda: "waits for the customer" in drawn(booking_id), "the wait is not drawn")
    waiting = _story(drawn(booking_id))
    assert waiting[-2:] == [
        "hnote over Orchestrator #F8FAFC : waits for the customer",
        "hnote over Orchestrator #F8FAFC : still running",
    ]
    assert olena.pay(booking_id).status_code == 202
    olena.outcome(booking_id)
    paid = _story(ended(booking_id))
    assert paid[: len(waiting) - 1] == waiting[:-1]
    assert paid[len(waiting) - 1 :][:5] == [
        "Customer -> WebApp ++ : pay",
        "WebApp -> API ++ : POST …/payment",
        "API -> Booking ++ : SupplyPaymentMethod",
        "Booking -->> Orchestrator : payment method",
        "Booking --> API -- : PENDING",
    ]
    assert "Orchestrator -> Seat ++ : RenewSeatLock" in paid
    olena.cancel(booking_id)
    olena.cancelled(booking_id)
    cancelled = _story(ended(booking_id))
    assert cancelled[: len(paid)] == paid
    undone = cancelled[cancelled.index("group #FFF7E0 undo, the last step first") :]
    assert [line.rpartition(" : ")[2] for line in undone if line.startswith("Orchestrator -") and " : C" in line] == [
        r"C4 RefundPayment\n+ task token",
        "C3 ReleaseBaggage",
        "C2 ReleaseSeat",
        "C1 CancelBooking",
    ]
    assert cancelled[-1] == "hnote over Orchestrator #DCFCE7 : saga SUCCEEDED"


def _story(document: str) -> list[str]:
    """The lines between the participants and the legend."""
    return document.partition("== The booking saga ==\n")[2].partition("== The arrows ==\n")[0].splitlines()
