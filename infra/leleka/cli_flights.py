"""Commands of everybody: look at flights and seats."""

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from leleka import render_cabin, stages_here
from leleka.api_client import ApiClient
from leleka.cli_options import AsJson, StageName
from leleka.stage import LOCAL
from leleka.terminal import CommandError, one_line_errors, print_json, say, stdout


@one_line_errors
def flights(
    origin: Annotated[str, typer.Argument(metavar="FROM", help="IATA code, such as KBP.")],
    destination: Annotated[str, typer.Argument(metavar="TO", help="IATA code, such as BCN.")],
    date: Annotated[str | None, typer.Option(help="One local day, YYYY-MM-DD.")] = None,
    stage: StageName = LOCAL,
    as_json: AsJson = False,
) -> None:
    """List the flights of a route."""
    with ApiClient(stages_here.load(stage).api_url) as api:
        found = api.flights(origin.upper(), destination.upper(), date)
    if as_json:
        print_json({"flights": msgspec.to_builtins(found)})
        return
    if not found:
        say(f"no flights from {origin.upper()} to {destination.upper()}")
        return
    table = Table("flight", "number", "departs", "arrives", "aircraft", "km", box=None, pad_edge=False)
    for flight in found:
        departs, arrives = flight.departs_local.replace("T", " "), flight.arrives_local.replace("T", " ")
        table.add_row(flight.flight_id, flight.number, departs, arrives, flight.aircraft, str(flight.distance_km))
    stdout().print(table)


@one_line_errors
def seats(
    flight: Annotated[str, typer.Argument(help="Flight id, such as KBP-BCN-0615.")],
    stage: StageName = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Draw the cabin of a flight: what is available, held and sold."""
    with ApiClient(stages_here.load(stage).api_url) as api:
        found = api.seats(flight)
    if as_json:
        print_json({"flight_id": flight, "seats": msgspec.to_builtins(found)})
    elif not found:
        raise CommandError(f"flight {flight} has no seats")
    else:
        stdout().print(render_cabin.cabin(found))
