"""A state machine as its file has it, and where an execution of it ends, given what its states are told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalicelib.shared import errors
from leleka.paths import PROJECT

type Told = Mapping[str, tuple[str, int]]
"""By state: the error that it is told, and how many times in a row; after that it succeeds."""

FOREVER = 1000
BOOKING, CANCELLATION = "booking_saga", "cancellation_saga"
_POLICIES = PROJECT / "functions" / ".chalice" / "policies"
_WRITES = ("Put", "Update", "Delete", "TransactWrite", "BatchWrite", "*")
STATUS_AFTER = {
    "CreateBooking": "PENDING",
    "ConfirmBooking": "CONFIRMED",
    "CancelBooking": "CANCELLED",
    "FlagBooking": "NEEDS_ATTENTION",
}
_STEPS_MAX = 100


@dataclass(frozen=True)
class State:
    """One state of the file."""

    name: str
    body: dict[str, Any]

    @property
    def calls(self) -> str:
        """How it calls what does its work: ``function``, ``function with token``, ``queue``, ``topic`` or nothing."""
        resource = str(self.body.get("Resource", ""))
        if resource.startswith("${"):
            return "function"
        kinds = {"lambda:invoke.waitForTaskToken": "function with token", "sqs:sendMessage.waitForTaskToken": "queue"}
        return kinds.get(resource.removeprefix("arn:aws:states:::"), "topic" if "sns:publish" in resource else "")

    @property
    def at(self) -> str:
        """The name by which a plan speaks of it: function, command, or kind of event."""
        parameters = self.body.get("Parameters", {})
        names = {
            "function": str(self.body.get("Resource", ""))[2:-1],
            "function with token": str(parameters.get("FunctionName", ""))[2:-1],
            "queue": parameters.get("MessageBody", {}).get("command", ""),
            "topic": parameters.get("Message", {}).get("kind", ""),
        }
        return str(names.get(self.calls, ""))

    @property
    def carries_lock(self) -> bool:
        """Whether what it calls works with the seat's lock."""
        return "lock_id.$" in self.body.get("Parameters", {})

    @property
    def undoes(self) -> bool:
        """Whether its failure is recorded rather than undone: compensations, and what comes after them."""
        return any(catch["ResultPath"].startswith("$.stuck") for catch in self.body.get("Catch", []))

    @property
    def refusals(self) -> list[str]:
        """The refusals that its Catch and Retry name; each is a definite no that the saga knows."""
        named = [
            name
            for rule in [*self.body.get("Catch", []), *self.body.get("Retry", [])]
            for name in rule["ErrorEquals"]
            if _is_refusal(name)
        ]
        return list(dict.fromkeys(named))

    @property
    def repeats_everything(self) -> bool:
        """Whether it is tried again whatever happened."""
        return any("States.ALL" in rule["ErrorEquals"] for rule in self.body.get("Retry", []))

    @property
    def writes(self) -> bool:
        """Whether its function may write to a table, as its own policy says."""
        policy = _POLICIES / f"{'CarryOutPayments' if self.calls == 'queue' else self.at}.json"
        statements = json.loads(policy.read_text())["Statement"] if policy.exists() else []
        # Of a statement with a condition either branch counts; one that is no statement has no action.
        either = [branch for one in statements for branch in one.get("Fn::If", ["", one])[1:]]
        flat = [action for one in either for action in _as_list(one.get("Action", []))]
        return any(action.partition(":")[2].startswith(_WRITES) for action in flat if action.startswith("dynamodb:"))


@dataclass(frozen=True)
class Walk:
    """The way of an execution: the states without loops, how it ends, and what the booking is then."""

    path: list[str]
    succeeded: bool
    error: str | None
    status: str | None
    stuck: set[str] = field(default_factory=set)


class Saga:
    """One state machine."""

    def __init__(self, name: str, definition: dict[str, Any] | None = None) -> None:
        self.name = name
        self.definition = definition or json.loads((PROJECT / "statemachine" / f"{name}.asl.json").read_text())
        self.states = {key: State(key, body) for key, body in self.definition["States"].items()}

    @property
    def tasks(self) -> list[State]:
        """The states that call something, in the order of the file."""
        return [state for state in self.states.values() if state.body["Type"] == "Task"]

    def walk(self, told: Told, *, method_given: bool, renewals_max: int, status: str | None) -> Walk:
        """Where it ends when its states are told these errors.

        Args:
            told: errors by state.
            method_given: whether the input has a payment method.
            renewals_max: so many times a hold may be renewed.
            status: what the booking is before.
        """
        data: dict[str, Any] = {"payment_method": "given" if method_given else None, "status": status}
        left = {name: [error, times] for name, (error, times) in told.items()}
        path, name = [], self.definition["StartAt"]
        for _ in range(_STEPS_MAX):
            path.append(name)
            state = self.states[name].body
            if state["Type"] in {"Succeed", "Fail"}:
                return self._ended(path, state, data)
            if name == "RenewSeatLock" and path.count(name) > renewals_max:
                left[name] = ["HoldLimitReached", FOREVER]
            name = self._next(name, state, data, left)
        raise AssertionError(f"{self.name} does not end in {_STEPS_MAX} states: {path}")

    @staticmethod
    def _ended(path: list[str], state: dict[str, Any], data: dict[str, Any]) -> Walk:
        error = state.get("Error") or data.get("error", {}).get("Error") if state["Type"] == "Fail" else None
        return Walk(without_loops(path), error is None, error, data["status"], set(data.get("stuck", {})))

    def _next(self, name: str, state: dict[str, Any], data: dict[str, Any], left: dict[str, list[Any]]) -> str:
        if state["Type"] == "Choice":
            return next((str(one["Next"]) for one in state["Choices"] if _holds(one, data)), str(state["Default"]))
        error = _error_after_retries(state, left.get(name))
        if error is None:
            _put(data, state.get("ResultPath"), state.get("Result", {}))
            data["status"] = STATUS_AFTER.get(name, data["status"])
            return str(state["Next"])
        for catch in state["Catch"]:
            if {error, "States.ALL"} & set(catch["ErrorEquals"]):
                _put(data, catch["ResultPath"], {"Error": error})
                return str(catch["Next"])
        raise AssertionError(f"{self.name}: nothing catches {error} in {name}")


def quick(definition: dict[str, Any]) -> dict[str, Any]:
    """The same states, Retry and Catch, with shorter waits and fewer repetitions, so that a case takes seconds.

    LocalStack tells a repeated waiting state at once what the attempt before was told, since it mints the token once a
    state. Where a queue is between, that uses up attempts until the answer is there: so they are ten, 4 s apart.
    """
    copy: dict[str, Any] = json.loads(json.dumps(definition))
    for name, state in copy["States"].items():
        waits: dict[str, Any] = {"IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 4}
        if State(name, state).calls == "queue":
            waits |= {"IntervalSeconds": 4, "MaxAttempts": 10, "JitterStrategy": "NONE"}
        for retry in state.get("Retry", []):
            if retry.get("MaxAttempts") != 0:
                retry.update(waits)
                retry.pop("MaxDelaySeconds", None)
        if "TimeoutSeconds" in state:
            # Where a function works it is the function's own time-out that has to come, also on a busy machine.
            state["TimeoutSeconds"] = 20 if State(name, state).calls == "queue" else 40
    return copy


def without_loops(path: list[str]) -> list[str]:
    """The path as if each state had been entered once: a tick of the watchdog, and what follows it, is no other way."""
    kept: list[str] = []
    for name in path:
        if name in kept:
            del kept[kept.index(name) :]
        kept.append(name)
    return kept


def _error_after_retries(state: dict[str, Any], told: list[Any] | None) -> str | None:
    used: dict[int, int] = {}
    while told is not None and told[1] > 0:
        told[1] -= 1
        error = str(told[0])
        rules = enumerate(state.get("Retry", []))
        found = next(((at, rule) for at, rule in rules if {error, "States.ALL"} & set(rule["ErrorEquals"])), None)
        if found is None or used.get(found[0], 0) >= found[1]["MaxAttempts"]:
            return error
        used[found[0]] = used.get(found[0], 0) + 1
    return None


def _holds(rule: dict[str, Any], data: dict[str, Any]) -> bool:
    keys = rule["Variable"].removeprefix("$.").split(".")
    present, value = True, data
    for key in keys:
        present = present and key in value
        value = value[key] if present else {}
    if "IsPresent" in rule:
        return present is rule["IsPresent"]
    if "IsNull" in rule:
        return present and (value is None) is rule["IsNull"]
    raise AssertionError(f"a Choice that the matrix can't follow yet: {rule}")


def _put(data: dict[str, Any], path: str | None, value: Any) -> None:
    if not path:
        return
    *parents, last = path.removeprefix("$.").split(".")
    for key in parents:
        data = data.setdefault(key, {})
    data[last] = value


def _is_refusal(name: str) -> bool:
    kind = getattr(errors, name, None)
    return isinstance(kind, type) and issubclass(kind, errors.Refusal)


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def load(name: str, folder: Path | None = None) -> Saga:
    """The state machine of this name, scaled by :func:`quick`."""
    file = (folder or PROJECT / "statemachine") / f"{name}.asl.json"
    return Saga(name, quick(json.loads(file.read_text())))
