"""Another service's work in the caller's own process: what goes in and comes out is what an invocation would carry."""

import msgspec
import pytest

from chalicelib.shared.errors import SeatTaken
from chalicelib.shared.nearby import nearby


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command."""

    booking_id: str
    bags: int = 0


class Told(msgspec.Struct, frozen=True):
    """A result."""

    booking_id: str
    reason: str | None = None


def test_it_takes_and_gives_plain_json() -> None:
    """So the caller can't tell it from a function that is invoked."""
    call = nearby(Ask, lambda command: Told(f"{command.booking_id}/{command.bags}"))
    assert call({"booking_id": "bk-1", "bags": 2}) == {"booking_id": "bk-1/2", "reason": None}


def test_what_the_command_does_not_know_is_refused() -> None:
    """Before any work is done."""
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        nearby(Ask, lambda command: command)({"booking_id": "bk-1", "secret": "x"})


def test_errors_come_as_they_are() -> None:
    """With everything that they carry, which an invocation's answer would lose."""

    def refuse(command: Ask) -> Told:
        raise SeatTaken(command.booking_id)

    with pytest.raises(SeatTaken, match="bk-1"):
        nearby(Ask, refuse)({"booking_id": "bk-1"})
