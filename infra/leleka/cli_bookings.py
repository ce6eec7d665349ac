"""Commands of a customer: look at flights and seats, book, watch."""

import uuid
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from leleka import journey, render_cabin, stages_here
from leleka.api_client import ApiClient, BookingRequest
from leleka.cli_options import AsJson, StageName, Timeout
from leleka.stage import LOCAL, Stage
from leleka.terminal import EXIT_FAILED, CommandError, one_line_errors, print_json, say, stdout


class Card(StrEnum):
    """Cards of the payment sandbox, by what happens to them."""

    APPROVED = "approved"
    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient-funds"
    SLOW = "slow"
    UNKNOWN = "unknown"
    UNKNOWN_LOST = "unknown-lost"

    @property
    def payment_method(self) -> str:
        """Its id at the payment provider."""
        return f"pm_{self.value.replace('-', '_')}"


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


@one_line_errors
def book(  # noqa: PLR0913, PLR0917 - options of a command
    flight: Annotated[str, typer.Argument(help="Flight id, such as KBP-BCN-0615.")],
    seat: Annotated[str, typer.Argument(help="Seat, such as 12A.")],
    name: Annotated[str, typer.Option(help="Who flies.")],
    email: Annotated[str, typer.Option(help="Where the tickets go.")],
    bags: Annotated[int, typer.Option(min=0, max=5, help="Bags to check in.")] = 0,
    card: Annotated[Card, typer.Option(help="A card of the payment sandbox.")] = Card.APPROVED,
    payment_method: Annotated[str | None, typer.Option(help="A payment method's id, instead of --card.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency-Key: the same key is the same booking.")] = None,
    no_watch: Annotated[bool, typer.Option("--no-watch", help="Ask for the seat and return at once.")] = False,
    timeout: Timeout = 120.0,
    stage: StageName = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Book a seat and watch its saga. The same --key again is the same booking, not another one."""
    request = BookingRequest(flight, seat, name, email, bags, payment_method or card.payment_method)
    key = key or str(uuid.uuid4())
    found = stages_here.load(stage)
    say(f"Idempotency-Key {key}", style="dim")
    with ApiClient(found.api_url) as api:
        booking = api.book(request, key)
        if not no_watch:
            _watch(found, api, booking.booking_id, timeout, as_json, extra={"idempotency_key": key})
        elif as_json:
            print_json({"idempotency_key": key, "booking": msgspec.to_builtins(booking)})
        else:
            stdout().print(f"{booking.status} {booking.booking_id}", soft_wrap=True)


@one_line_errors
def watch(
    booking_id: Annotated[str, typer.Argument(help="What `leleka book` printed.")],
    timeout: Timeout = 120.0,
    stage: StageName = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Watch the saga of a booking, from its beginning to its end."""
    found = stages_here.load(stage)
    with ApiClient(found.api_url) as api:
        _watch(found, api, booking_id, timeout, as_json, extra={})


def _watch(
    stage: Stage, api: ApiClient, booking_id: str, timeout_s: float, as_json: bool, extra: dict[str, Any]
) -> None:
    console = None if as_json else stdout()
    ending = journey.watch(stage, api, booking_id, timeout_s, console)
    if console is None:
        print_json({**extra, **journey.as_document(ending)})
    else:
        console.print(journey.summary(ending), style="bold green" if ending.confirmed else "bold", soft_wrap=True)
    if not ending.confirmed:
        raise typer.Exit(EXIT_FAILED)
