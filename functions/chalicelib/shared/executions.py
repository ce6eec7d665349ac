"""Executions by their names: each is named after its booking, so either is known from the other."""

import re

ENVELOPE = "execution_id"
"""The field of an event that says in which execution it is worked on; no command has it."""

_OF_A_BOOKING = re.compile(r"(?P<booking_id>bk-[a-z2-7]{26})(-settle-[0-9]+|-redrive-[0-9]+)?")


def execution_arn(machine_arn: str, name: str) -> str:
    """The execution of that name of a state machine. A state machine knows it as ``$$.Execution.Id``."""
    return machine_arn.replace(":stateMachine:", ":execution:") + f":{name}"


def booking_of(execution: str) -> str | None:
    """The booking that an execution of either saga works for, by its ARN or its name; None if the name is none that
    Leleka gives."""
    named = _OF_A_BOOKING.fullmatch(execution.rpartition(":")[2])
    return named["booking_id"] if named else None
