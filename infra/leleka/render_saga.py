"""Draws a saga while it runs: a live table on a terminal, one line an event anywhere else."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from leleka.saga import UNDOES
from leleka.timeline import Note, Role, State, Step, Timeline

LOOK = {
    State.RUNNING: ("▸", "bold blue"),
    State.RETRYING: ("!", "yellow"),
    State.WAITING: ("…", "blue"),
    State.SUCCEEDED: ("✓", "green"),
    State.FAILED: ("✗", "bold red"),
    State.COMPENSATED: ("↶", "magenta"),
}
"""Symbol and colour by state: either tells them apart without the other."""


def draw(console: Console, news: Iterable[tuple[Timeline, list[Note]]]) -> Timeline:
    """Shows the saga as it goes on and returns its last timeline. Errors of ``news`` go through, the drawing stays."""
    if not console.is_terminal:
        return _print_lines(console, news)
    view = _View()
    with Live(view, console=console, refresh_per_second=10):
        for timeline, _ in news:
            view.timeline = timeline
    return view.timeline


def table(timeline: Timeline, now: datetime) -> Table:
    """The steps as a table; ``now`` gives a running step its age."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for step in timeline.steps:
        if step.role is not Role.CONTROL:
            symbol, style = LOOK[step.state]
            lasted_s = step.duration_s if step.duration_s is not None else (now - step.entered_at).total_seconds()
            remark = Text(_remark(step), style=style)
            grid.add_row(Text(symbol, style=style), Text(step.name), Text(_seconds(lasted_s), style="dim"), remark)
    return grid


def line(note: Note) -> str:
    """One event as one line: time (UTC), symbol, step, what happened."""
    symbol = "·" if note.what == "entered" else LOOK[State(note.what)][0]
    clock = note.at.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]
    return f"{clock} {symbol} {note.step.name} {_happened(note)}"


class _View:
    """What Live draws again and again; it ages running steps by itself."""

    def __init__(self) -> None:
        self.timeline = Timeline()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield table(self.timeline, datetime.now(UTC))


def _print_lines(console: Console, news: Iterable[tuple[Timeline, list[Note]]]) -> Timeline:
    last = Timeline()
    for timeline, notes in news:
        last = timeline
        for note in notes:
            if note.step.role is not Role.CONTROL:
                console.print(line(note), soft_wrap=True)
    return last


def _happened(note: Note) -> str:
    step = note.step
    if note.what == State.RETRYING:
        return f"attempt {step.attempts}, after {step.error}"
    if note.what == State.FAILED:
        return f"failed: {step.error} ({_seconds(step.duration_s or 0.0)}{_tries(step)})"
    if note.what == State.SUCCEEDED:
        return f"succeeded ({_seconds(step.duration_s or 0.0)}{_tries(step)})"
    return note.what


def _remark(step: Step) -> str:
    if step.state is State.RETRYING:
        return f"attempt {step.attempts}: {step.error}"
    if step.state is State.RUNNING and step.attempts > 1:
        return f"attempt {step.attempts}, after {step.error}"
    if step.state is State.FAILED:
        return f"{step.error}{_tries(step)}"
    if step.state in {State.COMPENSATED, State.WAITING}:
        return step.state.value
    if step.role is Role.COMPENSATION:
        return f"undoes {UNDOES[step.name][0]}{_tries(step)}"
    return _tries(step).removeprefix(", ")


def _tries(step: Step) -> str:
    return f", {step.attempts} attempts" if step.attempts > 1 else ""


def _seconds(seconds: float) -> str:
    return f"{max(seconds, 0.0):.2f} s"
