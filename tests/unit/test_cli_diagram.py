"""The command that draws: on stdout or into a file, by record locator or id, and what is wrong in a line."""

from pathlib import Path

import pytest

from tests.unit.cli_world import run
from tests.unit.ops_world import OperatorsWorld
from tests.unit.ops_world import operators_world as operators_world  # a fixture  # noqa: PLC0414 - re-exported
from tests.unit.saga_history import History, cancelled, confirmed


@pytest.fixture
def booked(operators_world: OperatorsWorld) -> OperatorsWorld:
    """A confirmed booking that was cancelled and, for good measure, settled and driven again."""
    operators_world.book("bk-1", "CANCELLED", due=False)
    undone = {f"undo:bk-1{end}": ("SUCCEEDED", cancelled()) for end in ("", "-settle-1", "-redrive-1")}
    operators_world.sfn.runs = {"bk-1": ("SUCCEEDED", confirmed()), **undone}
    return operators_world


@pytest.mark.usefixtures("booked")
def test_every_execution_of_the_booking_is_drawn_in_order() -> None:
    """Found by the locator without any secret; nothing of the passenger and no lock secret is in it."""
    result = run("diagram", "BK-1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("@startuml\ntitle A booking, confirmed, then cancelled, then settled, then driven")
    assert result.stdout.endswith("\n@enduml\n")
    starts = ["The booking saga", "customer asked", "no saga had finished", "an operator drove it again"]
    assert sorted(starts, key=result.stdout.index) == starts
    assert "Olena" not in result.stdout
    assert "a-secret" not in result.stdout
    assert run("diagram", "bk-1").stdout == result.stdout


@pytest.mark.usefixtures("booked")
def test_times_are_an_option() -> None:
    """Then each execution has its name and its beginning."""
    assert "bk-1" not in run("diagram", "bk-1").stdout
    timed = run("diagram", "bk-1", "--times").stdout
    assert "== The booking saga: bk-1, 2026-11-23 12:00:00 UTC (4.80 s) ==" in timed
    assert "operator drove it again: bk-1-redrive-1, 2026" in timed


@pytest.mark.usefixtures("booked")
def test_a_file_gets_what_stdout_would_have_got(tmp_path: Path) -> None:
    """And stdout stays empty, so that nobody reads half of both."""
    file = tmp_path / "one.puml"
    result = run("diagram", "bk-1", "--output", str(file))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"wrote {file}\n")
    assert file.read_text(encoding="utf-8") == run("diagram", "bk-1").stdout


@pytest.mark.usefixtures("booked")
def test_a_file_that_cannot_be_written_is_an_error_in_a_line(tmp_path: Path) -> None:
    """With its name."""
    result = run("diagram", "bk-1", "--output", str(tmp_path / "no" / "folder.puml"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"error: {tmp_path}/no/folder.puml can't be written: No such file or directory\n"


def test_a_booking_that_is_unknown_or_has_not_begun_is_an_error_in_a_line(operators_world: OperatorsWorld) -> None:
    """Nothing is drawn of nothing."""
    operators_world.book("bk-2", "REQUESTED")
    unknown, requested = run("diagram", "zzzzzz"), run("diagram", "bk-2")
    assert (unknown.exit_code, requested.exit_code, unknown.stdout + requested.stdout) == (1, 1, "")
    assert unknown.stderr == "error: there is no booking zzzzzz on stage local\n"
    assert requested.stderr == "error: nothing has run for booking bk-2, or Step Functions has forgotten it\n"


def test_a_history_of_another_version_is_an_error_in_a_line(operators_world: OperatorsWorld) -> None:
    """The file is not written either."""
    operators_world.book("bk-3", "PENDING")
    operators_world.sfn.runs = {"bk-3": ("RUNNING", History().succeed("ReserveMeal"))}
    result = run("diagram", "bk-3")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: the history has a state ReserveMeal, which the state machines here have not\n"
