"""What a state's step is, besides what the history tells: the state machine says how it is called, ``WORK`` says who
carries it out and what that does at the seat lock. A contract test holds ``WORK`` against the code."""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from leleka.diagram.model import DiagramError, Participant
from leleka.paths import PROJECT

DEFINITIONS = ("booking_saga.asl.json", "cancellation_saga.asl.json")

_NUMBER = re.compile(r"([TC]\d)\. ")
_QUEUES_AND_TOPICS = (":sqs:", ":sns:")


class Way(Enum):
    """How a state calls."""

    REQUEST = auto()
    """A function, whose answer is the step's result."""
    COMMAND = auto()
    """A command with a task token; who has the token answers."""
    EVENT = auto()
    """A message that nobody answers."""


@dataclass(frozen=True)
class Lock:
    """A step's command to the seat lock. It comes before the step's write if there are errors ``after`` it, by which an
    attempt shows that it came so far; otherwise it is the end of an attempt that has succeeded."""

    command: str
    answer: str
    after: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Work:
    """Who carries a step out, and its answer in a word; of an event, what becomes of it."""

    service: Participant
    answer: str
    lock: Lock | None = None


_TAKE = Lock("SET NX GET PX", "ours", frozenset({"SeatTaken", "SeatNotFound", "AlreadyCompensated", "StoreBusy"}))
_EXTEND = Lock("SET IFEQ GET PX", "ours", frozenset({"HoldLost", "HoldLimitReached", "StoreBusy"}))
_DELETE = Lock("DELIFEQ", "gone")

WORK = {
    "CreateBooking": Work(Participant.BOOKING, "PENDING"),
    "ValidateFlight": Work(Participant.FLIGHT, "on sale"),
    "ReserveSeat": Work(Participant.SEAT, "HELD", _TAKE),
    "ReserveBaggage": Work(Participant.BAGGAGE, "HELD"),
    "CalculatePrice": Work(Participant.PRICING, "price"),
    "NotifyHeld": Work(Participant.NOTIFICATION, "mail: your seat is held"),
    "AwaitPaymentMethod": Work(Participant.BOOKING, "payment method"),
    "TakePaymentMethod": Work(Participant.BOOKING, "taken"),
    "RenewSeatLock": Work(Participant.SEAT, "HELD on", _EXTEND),
    "ProcessPayment": Work(Participant.PAYMENT, "receipt"),
    "ConfirmSeat": Work(Participant.SEAT, "SOLD", _DELETE),
    "ConfirmBooking": Work(Participant.BOOKING, "CONFIRMED"),
    "NotifyConfirmed": Work(Participant.NOTIFICATION, "mail: confirmed"),
    "RefundPayment": Work(Participant.PAYMENT, "nothing is kept"),
    "ReleaseBaggage": Work(Participant.BAGGAGE, "RELEASED"),
    "ReleaseSeat": Work(Participant.SEAT, "RELEASED", _DELETE),
    "CancelBooking": Work(Participant.BOOKING, "CANCELLED"),
    "FlagBooking": Work(Participant.BOOKING, "NEEDS_ATTENTION"),
    "NotifyOperator": Work(Participant.OPERATOR, "a booking needs attention"),
    "NotifyCancelled": Work(Participant.NOTIFICATION, "mail: cancelled"),
}
"""One entry for each state that calls something. CancelBooking also succeeds where the booking has ended already."""


@dataclass(frozen=True)
class Call:
    """A state that calls something, and how. ``title`` is its name with its number, such as ``T3 ReserveSeat``."""

    state: str
    title: str
    way: Way
    by_broker: bool
    work: Work


def call_of(state: str) -> Call:
    """The call of a state of our state machines.

    Raises:
        DiagramError: there is no such state.
    """
    try:
        return _calls()[state]
    except KeyError as unknown:
        raise DiagramError(f"the history has a state {state}, which the state machines here have not") from unknown


def read_calls(definitions: Iterable[Mapping[str, Any]]) -> dict[str, Call]:
    """The calls of state machines, by state.

    Raises:
        DiagramError: a state calls in a way that is not known here.
        KeyError: a state is missing in ``WORK``.
    """
    states = {name: state for definition in definitions for name, state in definition["States"].items()}
    return {name: _call(name, state) for name, state in states.items() if state["Type"] == "Task"}


@functools.cache
def _calls() -> dict[str, Call]:
    folder = PROJECT / "statemachine"
    return read_calls(json.loads((folder / name).read_text()) for name in DEFINITIONS)


def _call(name: str, state: Mapping[str, Any]) -> Call:
    number = _NUMBER.match(state.get("Comment", ""))
    title = f"{number[1]} {name}" if number else name
    resource: str = state["Resource"]
    return Call(name, title, _way(resource), any(each in resource for each in _QUEUES_AND_TOPICS), WORK[name])


def _way(resource: str) -> Way:
    if resource.endswith(".waitForTaskToken"):
        return Way.COMMAND
    if resource.startswith("${"):
        return Way.REQUEST
    if resource.endswith(":sns:publish"):
        return Way.EVENT
    raise DiagramError(f"a state calls {resource}, and nobody has said how that is drawn")
