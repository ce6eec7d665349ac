"""The operator's command for a table that has lost rows."""

import time
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from leleka import restore as restoring
from leleka import stages_here
from leleka.cli_options import AsJson, StageName
from leleka.terminal import CommandError, one_line_errors, print_json, say, stdout


@one_line_errors
def restore(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Its name in the template, such as SeatsTable.")],
    at: Annotated[
        str | None, typer.Option("--at", help="The moment, such as 2026-11-26T09:30Z; by default the latest there is.")
    ] = None,
    copy: Annotated[str | None, typer.Option("--from", help="A copy that was made before, by its name.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Give the missing rows back, not only tell them.")] = False,
    stage: StageName = "local",
    as_json: AsJson = False,
) -> None:
    """Compare a table with itself at an earlier moment, and give back the rows that it has lost. Rows that differ are
    told and left."""
    found = stages_here.load(stage)
    if at and copy:
        raise CommandError("--from names a copy that is there, --at makes one; give one of the two")
    if copy is None:
        say("making a copy of the table; this takes minutes to hours on AWS")
        copy = restoring.copy_of(found, table, _instant(at))
    lost = restoring.compare(found, table, copy, time.time(), write=write)
    if as_json:
        print_json(msgspec.to_builtins(lost))
        return
    _tell(lost, write=write)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text} is no instant; write it as 2026-11-26T09:30Z") from error
    if at.tzinfo is None:
        raise CommandError(f"{text} has no time zone; write it in UTC, as {text}Z")
    return at.astimezone(UTC)


def _tell(lost: restoring.Lost, *, write: bool) -> None:
    console = stdout()
    console.print(f"{lost.rows} rows in {lost.copy}; {lost.table} lacks {lost.missing}, and {lost.differing} differ")
    for what, keys in (("lacks", lost.missing_keys), ("differs", lost.differing_keys)):
        for key in keys:
            console.print(f"{what}: {', '.join(f'{name} {value}' for name, value in key.items())}", soft_wrap=True)
    if write:
        console.print(f"{lost.written} rows were given back")
    elif lost.missing:
        say(f"nothing was written; give the missing rows back with: --from {lost.copy} --write")
