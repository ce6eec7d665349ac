"""What every command shares: data on stdout, words on stderr, errors as one line, and the exit codes.

======  ==================================================================================================
0       done; for ``book``, ``pay`` and ``watch``: the booking is CONFIRMED; for ``cancel``: CANCELLED
1       the operation failed, the booking is not so, or the time was over
2       the command line is wrong
130     interrupted
======  ==================================================================================================
"""

import functools
import json
from collections.abc import Callable
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from leleka.api_client import ApiError
from leleka.bookings_here import BookingsHereError
from leleka.dead_letters import DeadLettersError
from leleka.deploy import DeployError
from leleka.destroy import DestroyError
from leleka.follow import FollowError
from leleka.mails import MailsError
from leleka.seed import SeedError
from leleka.stack import StackError
from leleka.stage import StageError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


class CommandError(Exception):
    """A command can't do what it was asked for; the message is one line for the user."""


_FORESEEN = (
    CommandError,
    ApiError,
    BookingsHereError,
    DeadLettersError,
    DeployError,
    DestroyError,
    FollowError,
    MailsError,
    SeedError,
    StackError,
    StageError,
    BotoCoreError,
    ClientError,
)


def stdout() -> Console:
    """The console of data; made anew, so that it is the stdout, the width and the NO_COLOR of this moment."""
    return Console(highlight=False, markup=False, emoji=False)


def say(message: str, style: str | None = None) -> None:
    """Words for the user, on stderr."""
    Console(stderr=True, highlight=False, markup=False, emoji=False).print(message, style=style, soft_wrap=True)


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def one_line_errors[**Arguments, Result](command: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorates a command: every foreseen error is one line on stderr and exit code 1."""

    @functools.wraps(command)
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except _FORESEEN as error:
            say(f"error: {' '.join(str(error).split())}", style="bold red")
            raise typer.Exit(EXIT_FAILED) from error
        except KeyboardInterrupt as stop:
            say("interrupted")
            raise typer.Exit(EXIT_INTERRUPTED) from stop

    return guarded
