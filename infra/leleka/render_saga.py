"""Draws a saga while it runs: a live table on a terminal, one line an event anywhere else."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from chalicelib.api.timeline import Note, Role, State, Timeline, awaits_customer
from leleka import saga_words

LOOK = {
    State.RUNNING: ("▸", "bold blue"),
    State.RETRYING: ("!", "yellow"),
    State.WAITING: ("…", "blue"),
    State.UNANSWERED: ("…", "blue"),
    State.EXPIRED: ("⧖", "yellow"),
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
            lasted_s = (now - step.entered_at).total_seconds() if step.duration_s is None else step.duration_s
            lasted = Text(saga_words.seconds(lasted_s), style="dim")
            remark = Text(saga_words.remark(step, timeline.pay_until, now), style=style)
            grid.add_row(Text(symbol, style=style), Text(step.name), lasted, remark)
    return grid


def line(note: Note, pay_until: datetime | None = None) -> str:
    """One event as one line: time (UTC), symbol, step, what happened; for a hold also until when it can be paid."""
    symbol = "·" if note.what == "entered" else LOOK[State(note.what)][0]
    happened = saga_words.time_to_pay(pay_until, note.at) if awaits_customer(note.step) else saga_words.happened(note)
    return f"{saga_words.clock(note.at)} {symbol} {note.step.name} {happened}"


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
                console.print(line(note, timeline.pay_until), soft_wrap=True)
    return last
