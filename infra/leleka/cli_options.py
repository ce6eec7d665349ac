"""Options that several commands have."""

from typing import Annotated

import typer

StageName = Annotated[str, typer.Option("--stage", envvar="LELEKA_STAGE", help="Which stage.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait for the end.")]
