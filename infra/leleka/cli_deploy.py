"""What an operator sees and says before a stage changes, and before it goes."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.table import Table

from leleka import destroy as destruction
from leleka import stages_here
from leleka.change_sets import Approve, Change
from leleka.cli_options import StageName
from leleka.stage import LOCAL
from leleka.terminal import CommandError, one_line_errors, say, stdout

Yes = Annotated[bool, typer.Option("--yes", help="Don't ask; for machines.")]
_DANGER, _REPLACED, _REMOVED = "bold red", "yellow", "red"


def approval(stage: str, *, yes: bool, replace_tables: bool) -> Approve:
    """Shows a stage's changes and asks for a yes.

    Raises:
        CommandError: nobody is there who could say it. The function that is returned raises it too, if the answer was
            no, or a table would go without ``replace_tables``.
    """
    if not (yes or _somebody_is_here()):
        raise CommandError(f"stage {stage} is not changed without a yes: run this in a terminal, or with --yes")

    def approve(changes: list[Change]) -> None:
        _show(changes)
        endangered = sorted(change.resource for change in changes if change.endangers_data)
        if endangered and not replace_tables:
            names = ", ".join(endangered)
            raise CommandError(f"{names} would leave the stage with all rows; nothing was changed (--replace-tables)")
        if not (yes or typer.confirm(f"Make these {len(changes)} changes on stage {stage}?", err=True)):
            raise CommandError("nothing was changed")

    return approve


@one_line_errors
def destroy(
    stage: StageName = LOCAL,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Also if its tables hold rows.")] = False,
    yes: Yes = False,
) -> None:
    """Delete a stage: its stack, its tables, what was uploaded for it. Nothing is deleted while a table holds rows."""
    aws = stages_here.aws_of(stage)
    remains = destruction.look(aws)
    if not remains:
        say(f"there is nothing of a stage {stage}")
        return
    _show_remains(remains)
    destruction.require_leave(remains, delete_data=delete_data)
    if not yes:
        _ask_for_the_name(stage)
    for line in destruction.destroy(aws, remains, delete_data=delete_data):
        stdout().print(line, soft_wrap=True)
    say(f"stage {stage} is gone")


def _show(changes: Iterable[Change]) -> None:
    """One line a change, the most dangerous last, where the question stands."""
    table = Table("action", "replaced", "type", "resource", box=None, pad_edge=False)
    for change in sorted(changes, key=_danger):
        replaced = {"True": "yes", "Conditional": "maybe"}.get(change.replacement, "")
        style = [None, _REPLACED, _REMOVED, _DANGER][_danger(change)[0]]
        table.add_row(change.action, replaced, change.kind, change.resource, style=style)
    stdout().print(table)


def _danger(change: Change) -> tuple[int, str, str]:
    level = 3 if change.endangers_data else 2 if change.action == "Remove" else 1 if change.replaces else 0
    return level, change.kind, change.resource


def _show_remains(remains: destruction.Remains) -> None:
    console = stdout()
    if remains.stack:
        console.print(f"stack {remains.stack}: {remains.resources} resources", soft_wrap=True)
    for table in remains.tables:
        rows, style = (f"about {table.rows} rows", "red") if table.has_rows else ("no rows", None)
        console.print(f"table {table.name}: {rows}", style=style, soft_wrap=True)
    if remains.uploaded:
        console.print(f"{remains.uploaded} uploaded objects", soft_wrap=True)


def _ask_for_the_name(stage: str) -> None:
    if not _somebody_is_here():
        raise CommandError("nobody is here to ask, so nothing was deleted; run this in a terminal, or with --yes")
    if typer.prompt("All of this goes. The stage's name, to go on", err=True) != stage:
        raise CommandError("that is not its name; nothing was deleted")


def _somebody_is_here() -> bool:
    return sys.stdin.isatty()
