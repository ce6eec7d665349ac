"""The command line. Commands are thin: read the options, call one module, show what it returns."""

import typer

from leleka import (
    cli_bookings,
    cli_deploy,
    cli_diagram,
    cli_flights,
    cli_operations,
    cli_ops,
    cli_options,
    cli_restore,
    cli_stack,
    terminal,
)

app = typer.Typer(
    name="leleka",
    help="Air tickets booked as a saga. Exit codes: 0 done (a booking: confirmed), 1 failed or not so, 2 usage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command()(cli_stack.up)
app.command()(cli_stack.down)
app.command()(cli_stack.status)
app.command()(cli_stack.deploy)
app.command()(cli_deploy.destroy)
app.command()(cli_stack.seed)
app.command()(cli_stack.env)
app.command()(cli_flights.flights)
app.command()(cli_flights.seats)
app.command()(cli_bookings.book)
app.command()(cli_bookings.pay)
app.command()(cli_bookings.cancel)
app.command()(cli_bookings.watch)
app.command()(cli_diagram.diagram)
app.command()(cli_operations.mails)
app.command()(cli_operations.dlq)
cli_ops.ops.command()(cli_restore.restore)
app.add_typer(cli_ops.ops, name="ops")


@app.command()
@terminal.one_line_errors
def demo(timeout: cli_options.Timeout = 240.0) -> None:
    """Book, refuse, roll back, hold: the whole saga on a stack of its own, which is stopped at the end."""
    from leleka import demo as show  # noqa: PLC0415 - the other commands need none of it

    show.run(timeout_s=timeout)
