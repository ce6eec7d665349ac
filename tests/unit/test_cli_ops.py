"""The operator's commands: what is listed and in which order, what is said, what is refused, and that nothing starts
twice."""

import json

import pytest

from tests.unit.cli_world import run
from tests.unit.ops_world import OperatorsWorld
from tests.unit.ops_world import operators_world as operators_world  # a fixture  # noqa: PLC0414 - re-exported
from tests.unit.saga_history import History, declined, held

STUCK = json.dumps({"ReleaseBaggage": {"Error": "StoreBusy", "Cause": "{}"}})


def test_the_list_has_what_needs_a_person_first(operators_world: OperatorsWorld) -> None:
    """Then what nothing works on, then the rest by age; nothing that is finished, and no passenger."""
    operators_world.book("bk-1", "PENDING", age_s=10)
    operators_world.book("bk-2", "AWAITING_PAYMENT", age_s=500)
    operators_world.book("bk-3", "PENDING", age_s=200)
    operators_world.book("bk-4", "NEEDS_ATTENTION", age_s=3661, stuck=STUCK)
    operators_world.book("bk-5", "CONFIRMED", due=False)
    operators_world.book("bk-6", "REQUESTED", age_s=5)
    operators_world.book("bk-7", "CANCELLED", age_s=20)
    operators_world.sfn.runs = {
        "bk-1": ("RUNNING", History()),
        "bk-2": ("RUNNING", held()),
        "bk-3": ("ABORTED", History()),
        "bk-7": ("FAILED", History()),
        "undo:bk-7-settle-1": ("RUNNING", History()),
    }
    lines = json.loads(run("ops", "list", "--json").stdout)["bookings"]
    assert [(line["booking_id"], line["state"], line["age_s"], line["runs"]) for line in lines] == [
        ("bk-4", "NEEDS_ATTENTION", 3661, None),
        ("bk-3", "stuck", 200, None),
        ("bk-7", "running", 20, "bk-7-settle-1"),
        ("bk-1", "running", 10, "bk-1"),
        ("bk-2", "waiting", 500, "bk-2"),
        ("bk-6", "requested", 5, None),
    ]
    shown = run("ops", "list").stdout
    assert "1:01:01" in shown
    assert "Olena" not in shown
    assert "a-secret" not in shown + json.dumps(lines)


def test_the_list_asks_the_index_and_never_scans(operators_world: OperatorsWorld) -> None:
    """Two queries a shard: what waits for a person, which is due last, must not be cut off by what is due first."""
    asked: list[str] = []
    operators_world.dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    result = run("ops", "list")
    assert (result.exit_code, result.stderr) == (0, "every booking is finished\n")
    assert asked == ["Query"] * 8


def test_showing_tells_of_every_execution_with_its_attempts_and_errors(operators_world: OperatorsWorld) -> None:
    """In the order in which they began; by record locator, however it is typed."""
    operators_world.book("bk-1", "NEEDS_ATTENTION", stuck=STUCK, reason="CardDeclined")
    broken = History().enter("ReleaseBaggage").invoke().lambda_failed("StoreBusy").invoke().lambda_failed("StoreBusy")
    broken.leave("ReleaseBaggage").add("ExecutionFailed", executionFailedEventDetails={"error": "CancellationStuck"})
    operators_world.sfn.runs = {"bk-1": ("FAILED", declined()), "undo:bk-1-redrive-1": ("FAILED", broken)}
    lines = run("ops", "show", "BK-1").stdout.splitlines()
    assert lines[:2] == [
        "NEEDS_ATTENTION BK-1 bk-1: seat 12A on KBP-BCN-0615; reason: CardDeclined",
        "stuck: ReleaseBaggage: StoreBusy",
    ]
    assert any("ProcessPayment failed: CardDeclined" in line for line in lines)
    assert any("ReserveSeat compensated" in line for line in lines)
    redrive = next(index for index, line in enumerate(lines) if line.startswith("redrive bk-1-redrive-1: FAILED"))
    assert "ReleaseBaggage attempt 2, after StoreBusy" in lines[redrive + 2]
    document = json.loads(run("ops", "show", "bk-1", "--json").stdout)
    assert [each["kind"] for each in document["executions"]] == ["saga", "redrive"]
    last = document["executions"][1]["events"][-1]
    assert (last["step"], last["what"], last["attempt"], last["error"]) == ("ReleaseBaggage", "failed", 2, "StoreBusy")
    assert "lock_id" not in document["booking"]


@pytest.mark.usefixtures("operators_world")
@pytest.mark.parametrize("command", ["show", "redrive", "abort"])
def test_an_unknown_booking_is_said_in_a_line(command: str) -> None:
    """By locator and by id."""
    for ref in ("ZZZZZZ", "bk-nobody"):
        result = run("ops", command, ref)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"error: there is no booking {ref} on stage local\n"


def test_a_redrive_starts_the_compensations_under_the_next_number(operators_world: OperatorsWorld) -> None:
    """With the first reason, and as one that may end NEEDS_ATTENTION."""
    operators_world.book("bk-1", "NEEDS_ATTENTION", stuck=STUCK, reason="CardDeclined")
    operators_world.sfn.runs = {"bk-1": ("FAILED", declined()), "undo:bk-1-redrive-1": ("FAILED", History())}
    result = run("ops", "redrive", "bk-1", "--no-watch", "--json")
    assert (result.exit_code, json.loads(result.stdout)["started"]) == (0, "bk-1-redrive-2")
    (started,) = operators_world.sfn.started
    assert (started["stateMachineArn"], started["name"]) == ("arn:stateMachine:undo", "bk-1-redrive-2")
    told = json.loads(started["input"])
    assert (told["redriven"], told["ticket"], told["error"]["Error"]) == (True, {"lock_id": "a-secret"}, "CardDeclined")


@pytest.mark.parametrize(
    ("status", "runs", "words"),
    [
        ("CANCELLED", {"bk-1": "FAILED"}, "nothing of booking bk-1 is stuck: it is CANCELLED"),
        ("CONFIRMED", {"bk-1": "SUCCEEDED"}, "nothing of booking bk-1 is stuck: it is CONFIRMED"),
        ("REQUESTED", {}, "its saga has not begun"),
        ("PENDING", {"bk-1": "RUNNING"}, "its saga is still at work"),
        ("NEEDS_ATTENTION", {"bk-1": "FAILED", "undo:bk-1-redrive-1": "RUNNING"}, "its redrive is already at work"),
        ("PENDING", {"bk-1": "ABORTED", "undo:bk-1-settle-1": "RUNNING"}, "its settlement is already at work"),
        ("CONFIRMED", {"bk-1": "SUCCEEDED", "undo:bk-1": "RUNNING"}, "its cancellation is already at work"),
    ],
)
def test_a_redrive_is_refused_where_nothing_is_stuck(
    operators_world: OperatorsWorld, status: str, runs: dict[str, str], words: str
) -> None:
    """What is at work is left alone."""
    operators_world.book("bk-1", status)
    operators_world.sfn.runs = {name: (state, History()) for name, state in runs.items()}
    result = run("ops", "redrive", "bk-1")
    assert (result.exit_code, operators_world.sfn.started) == (1, [])
    assert words in result.stderr


@pytest.mark.parametrize(
    ("status", "runs"),
    [
        ("PENDING", {"bk-1": "ABORTED"}),
        ("CONFIRMED", {"bk-1": "SUCCEEDED", "undo:bk-1": "ABORTED"}),
        ("NEEDS_ATTENTION", {"bk-1": "RUNNING"}),
    ],
)
def test_a_redrive_also_finishes_what_was_lost(
    operators_world: OperatorsWorld, status: str, runs: dict[str, str]
) -> None:
    """A saga that was stopped, a cancellation that broke off; a saga that only tells of the end is no hindrance."""
    operators_world.book("bk-1", status)
    operators_world.sfn.runs = {name: (state, History()) for name, state in runs.items()}
    assert run("ops", "redrive", "bk-1", "--no-watch").exit_code == 0
    assert [each["name"] for each in operators_world.sfn.started] == ["bk-1-redrive-1"]


def test_an_abort_asks_first(operators_world: OperatorsWorld) -> None:
    """A no stops nothing; --yes does not ask."""
    operators_world.book("bk-1", "AWAITING_PAYMENT")
    operators_world.sfn.runs = {"bk-1": ("RUNNING", held())}
    result = run("ops", "abort", "bk-1", "--no-watch")
    assert (result.exit_code, operators_world.sfn.stopped) == (1, [])
    done = run("ops", "abort", "bk-1", "--yes", "--no-watch", "--json")
    assert (done.exit_code, json.loads(done.stdout)["started"]) == (0, "bk-1-settle-1")
    assert operators_world.sfn.stopped == ["arn:execution:saga:bk-1"]


@pytest.mark.parametrize(
    ("status", "saga", "words"),
    [
        ("CONFIRMED", "SUCCEEDED", "leleka cancel"),
        ("CONFIRMED", "RUNNING", "leleka cancel"),
        ("CANCELLED", "FAILED", "it is cancelled already"),
        ("NEEDS_ATTENTION", "FAILED", "leleka ops redrive"),
        ("PENDING", "ABORTED", "the reconciler finishes it"),
        ("REQUESTED", None, "has not begun"),
    ],
)
def test_what_has_ended_is_not_aborted(
    operators_world: OperatorsWorld, status: str, saga: str | None, words: str
) -> None:
    """And the message says what can be done instead."""
    operators_world.book("bk-1", status)
    operators_world.sfn.runs = {"bk-1": (saga, History())} if saga else {}
    result = run("ops", "abort", "bk-1", "--yes")
    assert (result.exit_code, operators_world.sfn.stopped) == (1, [])
    assert words in result.stderr


def test_a_saga_that_ends_before_it_is_stopped_is_not_rolled_back(operators_world: OperatorsWorld) -> None:
    """The reconciler found nothing to settle; the user is told where to look."""
    operators_world.book("bk-1", "PENDING")
    operators_world.sfn.runs = {"bk-1": ("RUNNING", History())}
    operators_world.reconciler.settles = False
    result = run("ops", "abort", "bk-1", "--yes")
    assert result.exit_code == 1
    assert "ended by itself before it could be stopped; see: leleka ops show bk-1" in result.stderr
