"""Executions told as a sequence diagram. Pure: what the histories say in, the diagram out.

Arrows at the orchestrator are what its history tells. What lies behind a service (the seat lock, the mail) is drawn in
the tone CODED, and only where the step's code leaves no other way.
"""

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC

from chalicelib.api.timeline import Outcome, Role
from leleka.diagram import scenes
from leleka.diagram.calls import Call, Way, call_of
from leleka.diagram.model import Arrow, Box, Diagram, DiagramError, Heading, Message, Part, Participant, Remark, Tone
from leleka.diagram.visits import Result, Run, Try, Visit

_ORCHESTRATOR, _BROKER = Participant.ORCHESTRATOR, Participant.BROKER

_HEADINGS = {
    "saga": "The booking saga",
    "cancellation": "The cancellation saga, because the customer asked",
    "settlement": "The cancellation saga, because no saga had finished the booking",
    "redrive": "The cancellation saga, because an operator drove it again",
}
_TITLES = {
    Outcome.SUCCEEDED: "A booking, confirmed",
    Outcome.FAILED: "A booking, rolled back",
    Outcome.RUNNING: "A booking, under way",
    Outcome.TIMED_OUT: "A booking, broken off",
    Outcome.ABORTED: "A booking, broken off",
}
_AFTERWARDS = {"cancellation": "cancelled", "settlement": "settled", "redrive": "driven again"}
_UNDO = "undo, the last step first"
_BY_THE_ORCHESTRATOR = "States."
"""Begins an error that is nobody's reply, such as the time-out's."""
_BY_THE_BROKER = ("SQS.", "SNS.")


def diagram_of(runs: Sequence[Run], *, times: bool = False) -> Diagram:
    """The executions of one booking in the order in which they began. Without ``times`` bookings that went the same
    way make the same diagram.

    Raises:
        DiagramError: there is no execution, or a history has a state that the state machines here have not.
    """
    if not runs:
        raise DiagramError("nothing has run, so there is nothing to draw")
    return Diagram(_title(runs), tuple(part for run in runs for part in _told(run, times=times)))


def _title(runs: Sequence[Run]) -> str:
    told = [_TITLES[run.outcome] + (f": {run.error}" if run.error else "") for run in runs if run.kind == "saga"]
    later = [_AFTERWARDS[run.kind] for run in runs if run.kind != "saga"]
    return ", then ".join((told or ["A booking"]) + later)


def _told(run: Run, *, times: bool) -> Iterator[Part]:
    yield Heading(_heading(run, times=times))
    yield from scenes.beginning(run.kind)
    worked = [visit for visit in run.visits if visit.role is not Role.CONTROL]
    for undoes, visits in itertools.groupby(worked, lambda visit: visit.role is Role.COMPENSATION):
        parts = tuple(part for visit in visits for part in _visit(visit, times=times))
        yield from (Box(_UNDO, parts),) if undoes and parts else parts
    yield _ending(run)


def _heading(run: Run, *, times: bool) -> str:
    if not times or run.began_at is None:
        return _HEADINGS[run.kind]
    began = run.began_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{_HEADINGS[run.kind]}: {run.name}, {began}{_lasted(run.duration_s)}"


def _ending(run: Run) -> Remark:
    if run.outcome is Outcome.RUNNING:
        return Remark(_ORCHESTRATOR, "still running")
    tone = Tone.GOOD if run.outcome is Outcome.SUCCEEDED else Tone.FAILED
    return Remark(_ORCHESTRATOR, f"saga {run.outcome}" + (f": {run.error}" if run.error else ""), tone)


def _visit(visit: Visit, *, times: bool) -> Iterator[Message | Remark]:
    if visit.name == "HoldExpired":
        yield Remark(_ORCHESTRATOR, "nobody paid in time: HoldExpired", Tone.FAILED)
        return
    call = call_of(visit.name)
    for number, one in enumerate(visit.tries, start=1):
        again = f", attempt {number}" if number > 1 else " again" if visit.again else ""
        yield from _TELL[call.way](call, one, again, _lasted(one.duration_s) if times else "")


def _lasted(duration_s: float | None) -> str:
    """Never negative, although two clocks may have measured it."""
    return "" if duration_s is None else f" ({max(duration_s, 0.0):.2f} s)"


def _requested(call: Call, one: Try, again: str, lasted: str) -> Iterator[Message | Remark]:
    service = call.work.service
    yield Message(_ORCHESTRATOR, service, Arrow.REQUEST, call.title + again)
    if one.result is Result.ANSWERED:
        yield from _work(call)
        yield Message(service, _ORCHESTRATOR, Arrow.REPLY, call.work.answer + lasted)
    elif one.error.startswith(_BY_THE_ORCHESTRATOR):
        yield Remark(_ORCHESTRATOR, f"no reply: {one.error}{lasted}", Tone.FAILED, ends=service)
    elif one.result is Result.FAILED:
        yield from _work(call, refused=one.error)
        yield Message(service, _ORCHESTRATOR, Arrow.REPLY, one.error + lasted, Tone.FAILED)


def _work(call: Call, refused: str = "") -> Iterator[Message | Remark]:
    """What a seat step does at the lock and at the seat's row, as far as it certainly came."""
    service, lock = call.work.service, call.work.lock
    if lock is None or (refused and refused not in lock.after):
        return
    written = Remark(service, "conditional write", Tone.CODED)
    if not lock.after:
        yield written
    yield Message(service, Participant.REDIS, Arrow.REQUEST, lock.command, Tone.CODED)
    yield Message(Participant.REDIS, service, Arrow.REPLY, "whose it is" if refused else lock.answer, Tone.CODED)
    if lock.after and not refused:
        yield written


def _commanded(call: Call, one: Try, again: str, lasted: str) -> Iterator[Message | Remark]:
    service = call.work.service
    taker = _BROKER if call.by_broker else service
    yield Message(_ORCHESTRATOR, taker, Arrow.COMMAND, f"{call.title}{again}\n+ task token")
    if call.state == _WAIT and one.handed_over:
        yield Remark(_ORCHESTRATOR, "waits for the customer")
    if one.error.startswith(_BY_THE_ORCHESTRATOR):
        yield Remark(_ORCHESTRATOR, f"no answer: {one.error}{lasted}")
    elif one.error.startswith(_BY_THE_BROKER):
        yield Message(_BROKER, _ORCHESTRATOR, Arrow.ANSWER, one.error + lasted, Tone.FAILED)
    elif one.result is not Result.OPEN:
        if call.by_broker:
            yield Message(_BROKER, service, Arrow.COMMAND, call.state)
        tone = Tone.FAILED if one.result is Result.FAILED else Tone.TOLD
        answer = Message(service, _ORCHESTRATOR, Arrow.ANSWER, (one.error or call.work.answer) + lasted, tone)
        yield from _answered(call, one, answer)


def _answered(call: Call, one: Try, answer: Message) -> Iterator[Message | Remark]:
    """The answer; the customer's own comes through the API."""
    if call.state == _WAIT and one.result is Result.ANSWERED:
        yield from scenes.paying(answer)
    elif call.state == _WAIT and one.error == "CancelledByCustomer":
        yield from scenes.withdrawing(answer)
    else:
        yield answer


def _published(call: Call, one: Try, again: str, lasted: str) -> Iterator[Message | Remark]:
    yield Message(_ORCHESTRATOR, _BROKER, Arrow.COMMAND, call.title + again)
    if one.result is Result.ANSWERED:
        yield from scenes.delivered(call.work.service, call.work.answer)
    elif one.error.startswith(_BY_THE_ORCHESTRATOR):
        yield Remark(_ORCHESTRATOR, f"no answer: {one.error}{lasted}")
    elif one.error:
        yield Message(_BROKER, _ORCHESTRATOR, Arrow.ANSWER, one.error + lasted, Tone.FAILED)


_WAIT = "AwaitPaymentMethod"
"""The one state that a customer answers."""
_TELL = {Way.REQUEST: _requested, Way.COMMAND: _commanded, Way.EVENT: _published}
