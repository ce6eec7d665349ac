"""What goes wrong in a function's process, and when: as the plan of the booking says that the event is about.

A plan is ``<folder>/plans/<booking id>.json``, a list of ``{"at", "kind", "times"}``. ``at`` is what the state calls:
the function's name, or the command of a message, or the kind of an event. Each time that a fault is taken leaves a
file, made atomically, so that processes that know nothing of each other count together.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import wires  # type: ignore[import-not-found]  # it is beside this file, which the interpreter has on its path

type Handler = Callable[[Any, Any], Any]
type Json = dict[str, Any]

_FOLDER = Path(os.environ["LELEKA_FAULTS"])
_FUNCTION = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
_FOREVER_S = 3600.0  # the executor ends the process long before
_GATE_S = 150.0


def with_faults(handler: Handler) -> Handler:
    """The handler, with what goes wrong around it."""

    def handle(event: Any, context: Any) -> Any:
        for subject in _subjects(event):
            fault = _next_fault(subject)
            if fault:
                return _Invocation(handler, event, context, subject).run(fault["kind"])
        answer = handler(event, context)
        _note_ends(event)
        return answer

    return handle


class Subject:
    """The booking that an event is about, the names by which a plan may speak of its state, and its message."""

    def __init__(self, booking_id: str, names: set[str], body: Json) -> None:
        self.booking_id, self.names, self.body = booking_id, names, body


def _subjects(event: Any) -> list[Subject]:
    if not isinstance(event, dict):
        return []
    if "booking_id" in event:
        return [Subject(event["booking_id"], set(_FUNCTION.split("-")), event)]
    bodies = [json.loads(record["body"]) for record in event.get("Records", [])]
    return [
        Subject(body["booking_id"], {body.get("command", ""), body.get("kind", "")}, body)
        for body in bodies
        if "booking_id" in body
    ]  # a message of SNS is raw, so it is the event itself


def _next_fault(subject: Subject) -> Json | None:
    try:
        planned = json.loads((_FOLDER / "plans" / f"{subject.booking_id}.json").read_text())
    except FileNotFoundError:
        return None
    for index, fault in enumerate(planned):
        if fault["at"] in subject.names and _taken(f"{subject.booking_id}.{index}", fault["times"]):
            return dict(fault)
    return None


def _taken(name: str, times: int) -> bool:
    return any(_leave(_FOLDER / "taken" / f"{name}.{count}") for count in range(times))


def _leave(mark: Path, text: str = "") -> bool:
    """Makes a file; false if it is there already."""
    try:
        with mark.open("x") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _note_ends(event: Any) -> None:
    """That an event was dealt with, for whoever delivers one late and wants to know."""
    for subject in _subjects(event):
        if (_FOLDER / "plans" / f"{subject.booking_id}.json").exists():
            for name in subject.names - {""}:
                _taken(f"ended.{subject.booking_id}.{name}", 1000)


class _Invocation:
    """One invocation that goes wrong."""

    def __init__(self, handler: Handler, event: Any, context: Any, subject: Subject) -> None:
        self._handler, self._event, self._context, self._subject = handler, event, context, subject

    def run(self, kind: str) -> Any:
        name, _, detail = kind.partition(":")
        answer = getattr(self, f"_{name}")(*([detail] if detail else []))
        _note_ends(self._event)
        return answer

    def _work(self) -> Any:
        return self._handler(self._event, self._context)

    def _crash_before(self) -> None:
        _die()

    def _crash_after(self) -> None:
        self._work()
        _die()

    def _crash_between(self) -> Any:
        with wires.after_write(_die):
            return self._work()

    def _hang_after(self) -> None:
        self._work()
        time.sleep(_FOREVER_S)

    def _twice(self) -> Any:
        self._work()
        return self._work()

    def _raise(self, error: str) -> None:
        """What the state is told by whoever calls the function, or by the function itself, without any effect."""
        raise type(error, (Exception,), {"__module__": "faults"})("a fault of the matrix")

    def _answer(self, error: str) -> Json:
        """The same for a state that waits with a task token."""
        import boto3  # noqa: PLC0415 - most functions need no orchestrator

        boto3.client("stepfunctions").send_task_failure(
            taskToken=self._subject.body["task_token"], error=error, cause="a fault of the matrix"
        )
        return {"batchItemFailures": []}

    def _silence(self) -> Json:
        """A message that is lost: nothing is carried out, and nobody is answered."""
        return {"batchItemFailures": []}

    def _redelivered(self) -> Json:
        """Done, but the queue was not told, so that the message comes again."""
        self._work()
        return {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for one in self._event["Records"]]}

    def _keep(self, error: str) -> Any:
        """The event gets stuck on its way, to be delivered late; the state fails."""
        self._copy_event()
        if "kind" in self._subject.body:
            return self._silence()  # nobody waits for an event
        return self._answer(error) if "command" in self._subject.body else self._raise(error)

    def _copy(self) -> Any:
        """The event goes its way, and a copy of it comes late."""
        self._copy_event()
        return self._work()

    def _copy_event(self) -> None:
        late = {"function": _FUNCTION, "event": self._event}
        _leave(_FOLDER / "kept" / f"{self._subject.booking_id}.json", json.dumps(late))

    def _gate(self) -> Any:
        """Says that it is here, and waits until it may go on."""
        _leave(_FOLDER / "gates" / f"{self._subject.booking_id}.waiting")
        until_s = time.monotonic() + _GATE_S
        while not (_FOLDER / "gates" / f"{self._subject.booking_id}.open").exists():
            if time.monotonic() > until_s:
                raise TimeoutError("nobody opened the gate")
            time.sleep(0.02)
        return self._work()

    def _store_throttles(self) -> Any:
        with wires.dynamodb_throttles():
            return self._work()

    def _store_reply_lost(self) -> Any:
        with wires.dynamodb_replies_lost():
            return self._work()

    def _lock_refuses(self) -> Any:
        with wires.lock_refuses():
            return self._work()

    def _lock_reply_lost(self) -> Any:
        with wires.lock_replies_lost():
            return self._work()

    def _gateway_before(self) -> Any:
        with wires.gateway_silent(after_effect=False):
            return self._work()

    def _gateway_after(self) -> Any:
        with wires.gateway_silent(after_effect=True):
            return self._work()


def _die() -> None:
    sys.stdout.flush()
    os._exit(1)
