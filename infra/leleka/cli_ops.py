"""Commands of an operator: which bookings are unfinished, what happened to one, drive it again, stop it."""

import time
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from chalicelib.api.history import advance
from chalicelib.api.timeline import Note, Role, Timeline
from leleka import ops as operations
from leleka import render_saga, stages_here
from leleka import unfinished as bookings
from leleka.cli_options import AsJson, Ref, StageName, Timeout
from leleka.executions import Execution, executions_of
from leleka.follow import follow, new_events
from leleka.stage import LOCAL, Stage
from leleka.terminal import EXIT_FAILED, CommandError, one_line_errors, print_json, say, stdout

ops = typer.Typer(help="Look after bookings: list, show, redrive, abort.", no_args_is_help=True)
NoWatch = Annotated[bool, typer.Option("--no-watch", help="Start it and return at once.")]
_STYLES = {"NEEDS_ATTENTION": "bold red", "stuck": "bold yellow", "waiting": "blue"}


@ops.command("list")
@one_line_errors
def list_(stage: StageName = LOCAL, as_json: AsJson = False) -> None:
    """Show the bookings that are not finished: running, waiting for their customer, stuck, or in need of a person."""
    lines = bookings.unfinished(stages_here.load(stage), time.time())
    if as_json:
        print_json({"bookings": [{**_case(line.booking), **_but(line, "booking")} for line in lines]})
        return
    if not lines:
        say("every booking is finished")
        return
    table = Table("state", "age", "locator", "booking", "status", "flight", "seat", "at work", box=None, pad_edge=False)
    for line in lines:
        one = line.booking
        told = (one.record_locator, one.booking_id, one.status, one.flight_id, one.seat, line.runs or "-")
        table.add_row(line.state, _age(line.age_s), *told, style=_STYLES.get(line.state))
    stdout().print(table)


@ops.command()
@one_line_errors
def show(ref: Ref, stage: StageName = LOCAL, as_json: AsJson = False) -> None:
    """Show what happened to a booking: every attempt, error and compensation, also of what settled or redrove it."""
    found = stages_here.load(stage)
    booking = bookings.find(found, ref)
    runs = [(run, *_story(found, run)) for run in executions_of(found, booking.booking_id)]
    if as_json:
        print_json({"booking": _case(booking), "executions": [_document(*run) for run in runs]})
        return
    console = stdout()
    _tell(booking)
    for run, timeline, notes in runs:
        began = run.started_at.astimezone().isoformat(timespec="seconds")
        console.print(f"\n{run.kind} {run.name}: {run.status}, began {began}", style="bold", soft_wrap=True)
        for note in notes:
            if note.step.role is not Role.CONTROL:
                console.print(render_saga.line(note, timeline.pay_until), soft_wrap=True)


@ops.command()
@one_line_errors
def redrive(
    ref: Ref, no_watch: NoWatch = False, timeout: Timeout = 120.0, stage: StageName = LOCAL, as_json: AsJson = False
) -> None:
    """Drive the compensations of a stuck booking again. Exit code 0 if it is cancelled. Safe to run twice."""
    found = stages_here.load(stage)
    _watch(found, operations.redrive(found, ref), ref, None if no_watch else timeout, as_json)


@ops.command()
@one_line_errors
def abort(
    ref: Ref,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    no_watch: NoWatch = False,
    timeout: Timeout = 120.0,
    stage: StageName = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Stop a running saga and roll its booking back. Exit code 0 if it is cancelled."""
    found = stages_here.load(stage)
    saga = operations.require_running(found, ref)
    question = f"Stop the saga of booking {ref} on stage {stage}, refund its customer and free its seat?"
    if not (yes or typer.confirm(question, err=True)):
        raise CommandError("nothing was done")
    _watch(found, operations.abort(found, saga), ref, None if no_watch else timeout, as_json)


def _watch(stage: Stage, run: Execution, ref: str, timeout_s: float | None, as_json: bool) -> None:
    """Follows what undoes the booking to its end; without a time-out it only says what was started."""
    say(f"started: {run.name}")
    if timeout_s is not None:
        news = follow(stage.orchestrator, run.arn, timeout_s=timeout_s)
        for _ in news if as_json else [render_saga.draw(stdout(), news)]:
            pass  # in JSON only the end is told
    booking = bookings.find(stage, ref)
    if as_json:
        print_json({"started": run.name, "booking": _case(booking)})
    else:
        _tell(booking)
    if timeout_s is not None and booking.status != "CANCELLED":
        raise typer.Exit(EXIT_FAILED)


def _story(stage: Stage, run: Execution) -> tuple[Timeline, list[Note]]:
    return advance(Timeline(), new_events(stage.orchestrator, run.arn, 0))


def _tell(booking: bookings.Case) -> None:
    line = f"{booking.status} {booking.record_locator} {booking.booking_id}: seat {booking.seat} on {booking.flight_id}"
    console = stdout()
    console.print(f"{line}; reason: {booking.reason}" if booking.reason else line, style="bold", soft_wrap=True)
    # What a redrive has undone since is still named in the row; it is said only while it is so.
    for name, error in booking.stuck.items() if booking.status == "NEEDS_ATTENTION" else ():
        console.print(f"stuck: {name}: {error.get('Error')}", style="bold red", soft_wrap=True)


def _case(booking: bookings.Case) -> dict[str, Any]:
    return dict(msgspec.to_builtins(booking))


def _but(line: bookings.Listed, name: str) -> dict[str, Any]:
    return {key: value for key, value in msgspec.to_builtins(line).items() if key != name}


def _document(run: Execution, timeline: Timeline, notes: list[Note]) -> dict[str, Any]:
    return {
        "kind": run.kind,
        "name": run.name,
        "status": run.status,
        "error": timeline.error,
        "started_at": run.started_at.isoformat(),
        "stopped_at": run.stopped_at.isoformat() if run.stopped_at else None,
        "rolled_back": timeline.rolled_back,
        "events": [
            {
                "at": note.at.isoformat(),
                "step": note.step.name,
                "role": note.step.role,
                "what": note.what,
                "attempt": note.step.attempts_before + note.step.attempts,
                "error": note.step.error,
            }
            for note in notes
        ],
    }


def _age(age_s: int) -> str:
    hours, seconds = divmod(age_s, 3600)
    return f"{hours}:{seconds // 60:02d}:{seconds % 60:02d}"
