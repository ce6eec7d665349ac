"""Commands that look behind a stage: its mails, and the payment commands that were set aside."""

from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from leleka import dead_letters, stages_here
from leleka import mails as mailbox
from leleka.cli_options import AsJson, StageName
from leleka.stage import LOCAL, Stage
from leleka.terminal import one_line_errors, print_json, say, stdout


@one_line_errors
def mails(
    to: Annotated[str | None, typer.Option(help="Only those to this address.")] = None,
    last: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest last.")] = 20,
    stage: StageName = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Show the mails that customers of the local stage got."""
    found = mailbox.sent(stages_here.load(stage), to, last)
    if as_json:
        print_json({"mails": msgspec.to_builtins(found)})
    elif not found:
        say(f"no mail{f' to {to}' if to else ''} yet")
    console = stdout()
    for mail in () if as_json else found:
        console.print(f"{mail.sent_at} to {mail.to}", style="dim", soft_wrap=True)
        console.print(mail.subject, style="bold", soft_wrap=True)
        console.print(f"\n{mail.body.strip()}\n", soft_wrap=True)


@one_line_errors
def dlq(
    redrive: Annotated[bool, typer.Option("--redrive", help="Send each back to the payment queue.")] = False,
    stage: StageName = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Show the payment commands that were set aside after too many attempts, or send them again."""
    found = stages_here.load(stage)
    if redrive:
        _redrive(found, as_json)
        return
    letters = dead_letters.waiting(found)
    if as_json:
        print_json({"letters": msgspec.to_builtins(letters)})
    elif not letters:
        say("no payment command was set aside")
    else:
        table = Table("booking", "command", "received", "age", "error", box=None, pad_edge=False)
        for letter in letters:
            told = (letter.booking_id or f"unreadable message {letter.message_id}", letter.command or "-")
            table.add_row(*told, str(letter.received), _age(letter.age_s), letter.error or "-")
        stdout().print(table)


def _redrive(stage: Stage, as_json: bool) -> None:
    sent: list[Any] = []
    try:
        for letter in dead_letters.redrive(stage):
            sent.append(msgspec.to_builtins(letter))
            if not as_json:
                stdout().print(f"sent again: {letter.command} {letter.booking_id or letter.message_id}", soft_wrap=True)
    finally:  # what was sent is told, also when it stopped half-way
        if as_json:
            print_json({"redriven": sent})
        else:
            say(f"{len(sent)} sent again")


def _age(age_s: int) -> str:
    hours, seconds = divmod(age_s, 3600)
    return f"{hours}:{seconds // 60:02d}:{seconds % 60:02d}"
