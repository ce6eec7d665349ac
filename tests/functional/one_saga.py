"""A saga driven by hand: the deployed definition says what is sent and where an error leads, a test says when.

What Step Functions guarantees is kept: the next step is sent only after the one before it was answered, and a definite
refusal skips the step's own compensation. What it doesn't guarantee is up to the test.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from leleka.paths import PROJECT

_STATES: dict[str, Any] = json.loads((PROJECT / "statemachine" / "booking_saga.asl.json").read_text())["States"]
_PAID = ["CreateBooking", "ReserveSeat", "ReserveBaggage", "ProcessPayment", "ConfirmSeat", "ConfirmBooking"]
_HELD = [*_PAID[:3], "AwaitPaymentMethod", "TakePaymentMethod", "RenewSeatLock", *_PAID[3:]]
COMPENSATIONS = ["RefundPayment", "ReleaseBaggage", "ReleaseSeat", "CancelBooking"]
PRICE = {"amount_minor": 7990, "currency": "EUR"}
UNHEARD = "States.TaskFailed"
"""The error of a step of which the saga learns nothing."""


@dataclass(frozen=True)
class Message:
    """One attempt of a state's task, on its way."""

    state: str
    command: dict[str, Any]
    attempt: int
    token: str


@dataclass
class OneSaga:
    """What the orchestrator knows of one booking.

    Attributes:
        todo: the states that are still to be done, forward steps or, once it rolls back, compensations.
        sent: every message that was ever sent and may still arrive, or arrive again.
        waits_for: the task token that it would listen to.
    """

    booking_id: str
    request: dict[str, Any]
    todo: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    sent: list[Message] = field(default_factory=list)
    attempt: int = 0
    minted: int = 0
    rolls_back: bool = False
    waits_for: str | None = None

    def __post_init__(self) -> None:
        """Stands before its first step."""
        self.todo = list(_PAID if self.request["payment_method"] else _HELD)
        self.data = {**self.request, "booking_id": self.booking_id, "refunded_minor": 0, "price": PRICE}

    @property
    def confirmed(self) -> bool:
        """Whether its last step has succeeded, as far as it knows, and nobody has cancelled since."""
        return not self.todo and not self.rolls_back

    def send(self) -> Message:
        """The present state's next attempt."""
        state = self.todo[0]
        message = self.message_of(state, self.attempt)
        self.attempt += 1
        self.waits_for = None  # an earlier attempt's token is worth nothing any more
        self.sent.append(message)
        return message

    def tick(self) -> Message:
        """The watchdog's: what it sends while a payment is under way."""
        message = self.message_of("RenewSeatLock")
        self.sent.append(message)
        return message

    def answered(self, message: Message, output: object) -> None:
        """An answer that was heard. To an earlier attempt than the last it would not listen."""
        if not self.listens_to(message):
            return
        path = _STATES[message.state].get("ResultPath", "$")
        if path:
            self.data[path.removeprefix("$.")] = output
        self._enter(self.todo[1:])

    def failed(self, message: Message, error: str) -> None:
        """An error that was heard: tried again, or the way that its Catch leads."""
        if not self.listens_to(message):
            return
        state = _STATES[message.state]
        if "MessageBody" not in state["Parameters"]:  # Step Functions calls a function once an attempt; a queue may not
            self.sent.remove(message)
        if self.rolls_back or _names(state["Retry"], error):
            return  # compensations are tried until they succeed
        self._roll_back(error, _goes_to(state, error))

    def gives_up(self) -> None:
        """No answer in time, and no attempt left."""
        self._roll_back(UNHEARD, _goes_to(_STATES[self.todo[0]], UNHEARD))

    def cancelled(self) -> None:
        """A customer cancels the confirmed booking: a saga of its own undoes it."""
        self._roll_back("CancelledByCustomer", COMPENSATIONS[0])

    def listens_to(self, message: Message) -> bool:
        """Whether this is the attempt whose answer it waits for."""
        return bool(self.todo) and message.state == self.todo[0] and message.attempt == self.attempt - 1

    def message_of(self, state: str, attempt: int = 0) -> Message:
        """What this attempt of the state would send."""
        self.minted += 1
        token = f"{self.booking_id} {state} {self.minted}"
        execution = {"Id": f"arn:aws:states:::execution:any-order:{self.booking_id}"}
        context = {"State": {"RetryCount": attempt}, "Task": {"Token": token}, "Execution": execution}
        parameters = _STATES[state]["Parameters"]
        template = parameters.get("MessageBody") or parameters.get("Payload") or parameters
        return Message(state, _filled(template, self.data, context), attempt, token)

    def _roll_back(self, error: str, first: str) -> None:
        self.rolls_back = True
        self.data["error"] = {"Error": error, "Cause": ""}
        self._enter(COMPENSATIONS[COMPENSATIONS.index(first) :] if first in COMPENSATIONS else [])

    def _enter(self, todo: list[str]) -> None:
        self.todo, self.attempt, self.waits_for = list(todo), 0, None


def _filled(template: dict[str, Any], data: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    return {
        name.removesuffix(".$"): _at(value, data, context) if name.endswith(".$") else value
        for name, value in template.items()
    }


def _at(path: str, data: dict[str, Any], context: dict[str, Any]) -> Any:
    found: Any = context if path.startswith("$$.") else data
    for name in path.lstrip("$.").split("."):
        found = found[name]
    return found


def _names(entries: list[dict[str, Any]], error: str) -> bool:
    """Whether the error is tried again; the first entry that names it counts."""
    for entry in entries:
        if error in entry["ErrorEquals"] or "States.ALL" in entry["ErrorEquals"]:
            return bool(entry["MaxAttempts"])
    return False


def _goes_to(state: dict[str, Any], error: str) -> str:
    for entry in state["Catch"]:
        if error in entry["ErrorEquals"] or "States.ALL" in entry["ErrorEquals"]:
            return str(entry["Next"])
    raise AssertionError(f"no Catch for {error}")
