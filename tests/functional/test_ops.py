"""The operator's commands against the real stack: a stuck booking is found, shown, and finished; a running saga is
stopped and rolled back."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from leleka import ops, stages_here
from leleka.cli import app
from leleka.stage import Stage
from leleka.unfinished import OpsError
from tests.functional.customer import Customer, eventually, states_entered
from tests.functional.test_stuck import Breakable
from tests.functional.test_stuck import _impatient_saga as _impatient_saga  # a fixture  # noqa: PLC0414 - re-exported
from tests.promises import Promises

pytestmark = pytest.mark.stack
type Customers = Callable[[], Customer]


@pytest.fixture(autouse=True)
def _here(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands meet the stack of the tests."""
    monkeypatch.setattr(stages_here, "load", lambda _name: stage)


def run(*arguments: str, answer: str | None = None) -> Result:
    """A command as its user types it."""
    return CliRunner().invoke(app, ["ops", *arguments], input=answer, env={"COLUMNS": "200", "NO_COLOR": "1"})


def said(*arguments: str) -> Any:
    """The JSON document of a command that must succeed."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def listed(booking_id: str) -> Any:
    """The booking's line in the list, or None."""
    return next((line for line in said("list")["bookings"] if line["booking_id"] == booking_id), None)


@pytest.fixture
def stuck(stage: Stage, customer: Customers, seat: str, _impatient_saga: None) -> Iterator[dict[str, Any]]:
    """A booking whose bags could not be given back; the cause is removed by now."""
    release = Breakable(stage, "ReleaseBaggage")
    olena = customer()
    release.set(BAGGAGE_LEDGER_TABLE="no-such-table")
    try:
        booking = olena.outcome(olena.book(seat, "pm_declined")["booking_id"])
    finally:
        release.set()
    assert booking["status"] == "NEEDS_ATTENTION"
    yield booking
    assert olena.booking(booking["booking_id"])["status"] == "CANCELLED"


def test_a_stuck_booking_is_listed_shown_and_driven_to_its_end(stuck: dict[str, Any], promises: Promises) -> None:
    """By its record locator; afterwards it is no longer in the list, and another redrive is refused."""
    booking_id, locator = stuck["booking_id"], stuck["record_locator"]
    line = listed(booking_id)
    assert (line["state"], line["runs"]) == ("NEEDS_ATTENTION", None)
    assert 0 <= line["age_s"] < 300
    assert set(line["stuck"]) == {"ReleaseBaggage"}
    assert "passenger_name" not in json.dumps(line)
    shown = run("show", locator).stdout
    assert "ProcessPayment failed: CardDeclined" in shown
    assert "ReleaseBaggage attempt 2, after" in shown
    assert "stuck: ReleaseBaggage" in shown
    done = said("redrive", locator)
    assert (done["started"], done["booking"]["status"]) == (f"{booking_id}-redrive-1", "CANCELLED")
    assert listed(booking_id) is None
    again = run("redrive", locator)
    assert (again.exit_code, again.stdout) == (1, "")
    assert f"nothing of booking {locator} is stuck: it is CANCELLED" in again.stderr
    kinds = [(each["kind"], each["status"]) for each in said("show", booking_id)["executions"]]
    assert kinds == [("saga", "FAILED"), ("redrive", "SUCCEEDED")]
    promises.hold()


def test_driven_again_by_two_at_once_is_driven_once(stuck: dict[str, Any], stage: Stage) -> None:
    """One of them may be told that it is at work already; there is one execution."""

    def redrive(_: int) -> str:
        try:
            return ops.redrive(stage, stuck["booking_id"]).name
        except OpsError as error:
            return str(error)

    name = f"{stuck['booking_id']}-redrive-1"
    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(redrive, range(4)))
    assert name in answers
    assert all("already at work" in answer or "it is CANCELLED" in answer for answer in answers - {name})
    eventually(lambda: listed(stuck["booking_id"]) is None, "the redrive does not end")
    runs = said("show", stuck["booking_id"])["executions"]
    assert [each["name"] for each in runs if each["kind"] == "redrive"] == [name]


def test_a_booking_that_waits_is_aborted_on_a_yes(customer: Customers, seat: str, promises: Promises) -> None:
    """A no does nothing. A yes frees the seat, and there is nothing to abort any more."""
    olena = customer()
    booking_id = olena.waiting(olena.book(seat, method=None)["booking_id"])["booking_id"]
    assert listed(booking_id)["state"] == "waiting"
    assert "still at work" in run("redrive", booking_id).stderr
    refused = run("abort", booking_id, answer="n\n")
    assert (refused.exit_code, listed(booking_id)["state"]) == (1, "waiting")
    done = run("abort", booking_id, answer="y\n")
    assert done.exit_code == 0, done.output
    assert "ReleaseSeat succeeded" in done.stdout
    assert olena.booking(booking_id)["status"] == "CANCELLED"
    assert olena.seat_status(seat) == "AVAILABLE"
    again = run("abort", booking_id, "--yes")
    assert again.exit_code == 1
    assert "there is nothing to abort; it is cancelled already" in again.stderr
    promises.hold()


def test_a_booking_that_is_paying_is_aborted_and_refunded(
    stage: Stage, customer: Customers, seat: str, promises: Promises
) -> None:
    """The charge is on its way; whichever comes first, no money is kept."""
    olena = customer()
    booking_id = olena.book(seat, "pm_slow")["booking_id"]
    eventually(lambda: "ProcessPayment" in states_entered(stage, booking_id), "the payment does not begin")
    done = said("abort", booking_id, "--yes")
    assert (done["started"], done["booking"]["status"]) == (f"{booking_id}-settle-1", "CANCELLED")
    promises.hold()


def test_what_cannot_be_done_is_said_in_a_line(customer: Customers, seat: str) -> None:
    """Of a booking that nobody made, and of one that is confirmed."""
    for command in ("show", "redrive", "abort"):
        result = run(command, "XXXXXX")
        assert (result.exit_code, result.stderr) == (1, "error: there is no booking XXXXXX on stage local\n")
    olena = customer()
    booking_id = olena.outcome(olena.book(seat)["booking_id"])["booking_id"]
    assert "its customer can cancel it" in run("abort", booking_id, "--yes").stderr
    assert "nothing of booking" in run("redrive", booking_id).stderr
