"""The command that draws what happened to a booking."""

from pathlib import Path
from typing import Annotated

import typer

from leleka import stages_here, unfinished
from leleka.cli_options import Ref, StageName
from leleka.diagram import runs
from leleka.stage import LOCAL
from leleka.terminal import CommandError, one_line_errors, say


@one_line_errors
def diagram(
    ref: Ref,
    times: Annotated[bool, typer.Option("--times", help="Say when it was, and how long each step took.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
    stage: StageName = LOCAL,
) -> None:
    """Draw what happened to a booking, as PlantUML. Needs the stage's AWS, not the booking's secret."""
    found = stages_here.load(stage)
    text = runs.diagram_text(found, unfinished.find(found, ref).booking_id, times=times)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{output} can't be written: {error.strerror}") from error
    say(f"wrote {output}")
