"""What the sequence diagrams know of each step besides its history, against the state machines, the template and the
code."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.booking import placing
from chalicelib.booking.models import BookingStatus
from chalicelib.locking import Release, wire
from chalicelib.locking.server_lock import ServerLock
from chalicelib.seat import logic
from chalicelib.seat.models import (
    ConfirmSeatCommand,
    ReleaseSeatCommand,
    RenewSeatLockCommand,
    ReserveSeatCommand,
    SeatConfig,
    SeatHold,
    SeatStatus,
)
from chalicelib.shared import errors
from chalicelib.shared.ledger import LedgerState
from leleka.diagram import scenes
from leleka.diagram.calls import DEFINITIONS, WORK, Way, call_of, read_calls
from leleka.diagram.model import Arrow, DiagramError, Message, Participant

PROJECT = Path(__file__).parents[2]
STATEMACHINE = PROJECT / "statemachine"
TASKS: dict[str, dict[str, Any]] = {
    name: state
    for definition in DEFINITIONS
    for name, state in json.loads((STATEMACHINE / definition).read_text())["States"].items()
    if state["Type"] == "Task"
}
LOCKED = [name for name, work in WORK.items() if work.lock]


def function_of(state: dict[str, Any]) -> str | None:
    """The function that a state names, or None: it sends a message."""
    named: str = state.get("Parameters", {}).get("FunctionName", state["Resource"])
    return named[2:-1] if named.startswith("${") else None


def handlers() -> dict[str, str]:
    """Registered functions: by name, where they stand, such as ``chalicelib.seat.handlers.reserve_seat``."""
    from app import app  # noqa: PLC0415 - the whole Chalice project; not every test here needs it

    return {function.name: function.handler_string for function in app.pure_lambda_functions}


def source_of(where: str) -> str:
    """The text of a function, by where it stands."""
    module, _, name = where.rpartition(".")
    tree = ast.parse((PROJECT / "functions" / f"{module.replace('.', '/')}.py").read_text())
    return next(ast.unparse(node) for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)


def resources() -> dict[str, Any]:
    """The template's resources; ``!GetAtt X.Arn`` and ``!Ref X`` are the string ``X.Arn`` and ``X``."""

    class Loader(yaml.SafeLoader):
        """CloudFormation's short forms as plain scalars."""

    def plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> object:
        return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None

    Loader.add_multi_constructor("!", plain)
    text = (PROJECT / "infra" / "template.yaml").read_text()
    found: dict[str, Any] = yaml.load(text, Loader)["Resources"]  # noqa: S506 - a safe loader with CloudFormation's tags
    return found


def of_type(kind: str) -> Iterator[dict[str, Any]]:
    """The properties of the template's resources of a type."""
    return (body["Properties"] for body in resources().values() if body.get("Type") == kind)


def readers_of(queue: str) -> list[str]:
    """The functions that are called with a queue's messages."""
    sources = of_type("AWS::Lambda::EventSourceMapping")
    return [source["FunctionName"] for source in sources if source["EventSourceArn"] == f"{queue}.Arn"]


def queues_of(topic: str) -> list[str]:
    """The queues that get a topic's messages."""
    subscriptions = of_type("AWS::SNS::Subscription")
    return [each["Endpoint"].removesuffix(".Arn") for each in subscriptions if each["TopicArn"] == topic]


def test_every_state_that_calls_something_has_an_entry_and_there_are_no_others() -> None:
    """Of both state machines, which are all there are."""
    assert {path.name for path in STATEMACHINE.glob("*.asl.json")} == set(DEFINITIONS)
    assert set(WORK) == set(TASKS)


@pytest.mark.parametrize("name", [name for name, state in TASKS.items() if function_of(state)])
def test_a_functions_service_is_the_folder_that_it_stands_in(name: str) -> None:
    """So the arrow goes to whoever carries the step out; and the lock is drawn where the code asks it, nowhere else."""
    where = handlers()[str(function_of(TASKS[name]))]
    assert where.split(".")[1] == WORK[name].service.lower()
    assert ("seat_lock()" in source_of(where)) == (WORK[name].lock is not None)


@pytest.mark.parametrize("name", [name for name, state in TASKS.items() if not function_of(state)])
def test_a_messages_service_is_who_reads_the_queue_in_the_end(name: str) -> None:
    """By the template's subscriptions; what no function reads is kept for the operator."""
    parameters = TASKS[name]["Parameters"]
    queues = [parameters["QueueUrl"][2:-1]] if "QueueUrl" in parameters else queues_of(parameters["TopicArn"][2:-1])
    readers = [handlers()[function].split(".")[1] for queue in queues for function in readers_of(queue)]
    assert len(queues) == 1
    assert (readers or ["operator"]) == [WORK[name].service.lower()]


@pytest.mark.parametrize("name", TASKS)
def test_how_a_state_calls_is_what_its_parameters_say(name: str) -> None:
    """Who gets a token answers later; a topic and a queue are the broker's."""
    call, state = call_of(name), TASKS[name]
    parameters = json.dumps(state.get("Parameters", {}))
    assert (call.way is Way.COMMAND) == ("$$.Task.Token" in parameters)
    assert (call.way is Way.EVENT) == ("TopicArn" in parameters)
    assert call.by_broker == ("TopicArn" in parameters or "QueueUrl" in parameters)
    assert call.title.endswith(name)


def test_steps_and_compensations_have_their_numbers() -> None:
    """Eight steps and four compensations; what belongs to neither has none."""
    numbered = {title.split()[0]: name for name in TASKS if " " in (title := call_of(name).title)}
    assert sorted(numbered) == ["C1", "C2", "C3", "C4", "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8"]
    assert (numbered["T3"], numbered["C2"]) == ("ReserveSeat", "ReleaseSeat")


def test_a_way_of_calling_that_nobody_has_drawn_yet_is_an_error() -> None:
    """A new kind of state must not pass for another kind."""
    state = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem"}
    with pytest.raises(DiagramError, match="dynamodb:putItem"):
        read_calls([{"States": {"CreateBooking": state}}])


def test_an_answer_in_capitals_is_a_state_that_the_code_knows() -> None:
    """Of a booking, a seat, or a row of the ledger."""
    known = {*BookingStatus, *SeatStatus, *LedgerState}
    capitals = {word for work in WORK.values() for word in work.answer.split() if word.isupper()}
    assert capitals <= known
    assert {"PENDING", "HELD", "SOLD", "CONFIRMED", "RELEASED", "CANCELLED"} <= capitals


class Recorder:
    """A lock's server and the seat's table in one: notes each command and each write, in order."""

    def __init__(self, refusal: Exception | None = None, *, anothers: bool = False) -> None:
        self.asked: list[str] = []
        self._refusal = refusal
        self._owner = b"another" if anothers else None

    def set_if_free(self, key: bytes, owner: bytes, ttl_ms: bytes) -> bytes | None:
        self._note(wire.set_if_free(key, owner, ttl_ms), key, owner, ttl_ms)
        return self._owner

    def set_if_owner(self, key: bytes, owner: bytes, ttl_ms: bytes) -> bytes | None:
        self._note(wire.set_if_owner(key, owner, ttl_ms), key, owner, ttl_ms)
        return self._owner or owner

    def delete_if_owner(self, key: bytes, owner: bytes) -> Release:
        self._note(wire.delete_if_equal(key, owner), key, owner)
        return Release.RELEASED

    def __getattr__(self, _: str) -> Any:
        """Any write of the store."""
        return self._write

    def _write(self, *_: Any, **__: Any) -> Any:
        self.asked.append("write")
        if self._refusal:
            raise self._refusal
        return SeatHold("KBP-BCN-0615", "12A", "economy", exit_row=False, fencing_number=1, held_until_s=900)

    def _note(self, request: bytes, *values: bytes) -> None:
        words = request.split(b"\r\n")[2::2]
        self.asked.append(b" ".join(word for word in words if word not in values).decode())


COMMANDS: dict[str, Any] = {
    "ReserveSeat": ReserveSeatCommand("bk-1", "lock-1", "KBP-BCN-0615", "12A"),
    "RenewSeatLock": RenewSeatLockCommand("bk-1", "lock-1", "KBP-BCN-0615", "12A", 1),
    "ConfirmSeat": ConfirmSeatCommand("bk-1", "lock-1", "KBP-BCN-0615", "12A", 1),
    "ReleaseSeat": ReleaseSeatCommand("bk-1", "lock-1", "KBP-BCN-0615", "12A"),
}


def carry_out(step: str, recorder: Recorder) -> None:
    """The step's own logic, with the real lock's words."""
    lock: Any = ServerLock(recorder, 900_000)
    store: Any = recorder
    config = SeatConfig("seats", "ledger", "redis://lock", hold_ttl_s=900)
    match step:
        case "ReserveSeat":
            logic.reserve_seat(COMMANDS[step], store, lock, lambda: 0, 900)
        case "RenewSeatLock":
            logic.renew_seat_lock(COMMANDS[step], store, lock, lambda: 0, config, pause=lambda _s: None)
        case "ConfirmSeat":
            logic.confirm_seat(COMMANDS[step], store, lock, lambda: 0)
        case _:
            logic.release_seat(COMMANDS[step], store, lock)


@pytest.mark.parametrize("step", LOCKED)
def test_a_seat_step_asks_the_lock_as_it_is_drawn(step: str) -> None:
    """The same command, before or after the write."""
    recorder = Recorder()
    carry_out(step, recorder)
    lock = WORK[step].lock
    assert lock
    assert recorder.asked == ([lock.command, "write"] if lock.after else ["write", lock.command])


@pytest.mark.parametrize("step", LOCKED)
@pytest.mark.parametrize("error", ["SeatTaken", "SeatNotFound", "AlreadyCompensated", "StoreBusy", "HoldLost"])
def test_a_seat_step_that_fails_at_its_write_has_asked_the_lock_if_it_is_drawn_so(step: str, error: str) -> None:
    """What is drawn of a failed attempt has happened."""
    recorder = Recorder(getattr(errors, error)("no"))
    with pytest.raises(getattr(errors, error)):
        carry_out(step, recorder)
    lock = WORK[step].lock
    assert lock
    assert (recorder.asked[0] == lock.command) == bool(lock.after)


@pytest.mark.parametrize(("step", "error"), [("ReserveSeat", "SeatTaken"), ("RenewSeatLock", "HoldLost")])
def test_anothers_lock_is_found_by_the_command_that_is_drawn(step: str, error: str) -> None:
    """Then nothing is written, and no write is drawn."""
    recorder = Recorder(anothers=True)
    with pytest.raises(getattr(errors, error)):
        carry_out(step, recorder)
    lock = WORK[step].lock
    assert lock
    assert error in lock.after
    assert set(recorder.asked) == {lock.command}


def test_every_error_that_is_taken_for_a_sign_of_the_lock_is_one_of_ours() -> None:
    """A renamed error would silently show less."""
    assert all(hasattr(errors, error) for work in WORK.values() if work.lock for error in work.lock.after)


ANSWER = Message(Participant.BOOKING, Participant.ORCHESTRATOR, Arrow.ANSWER, "payment method")
SCENES = [
    *(scenes.beginning(kind) for kind in ("saga", "cancellation", "settlement", "redrive")),
    scenes.paying(ANSWER),
    scenes.withdrawing(ANSWER),
]


NEARBY = {"PlaceBooking": placing.place_booking.__module__}
"""What the API has done in its own process (docs/adr/0015)."""


@pytest.mark.parametrize("scene", SCENES)
def test_the_api_asks_functions_that_exist_by_routes_that_exist(scene: list[Message]) -> None:
    """What surrounds the saga is drawn from the code, so its names are the code's."""
    from app import app  # noqa: PLC0415 - as above

    for message in scene:
        if message.source is Participant.API and message.arrow is Arrow.REQUEST:
            assert (handlers() | NEARBY)[message.text].split(".")[1] == message.target.lower()
        if message.target is Participant.API and message.source is Participant.WEB:
            method, end = message.text.replace("…", "/bookings/{ref}").split()
            assert method in app.routes[end.replace("}//", "}/")]
