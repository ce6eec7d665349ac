"""A diagram written as PlantUML. Pure, and the same diagram always makes the same text."""

import re
from collections.abc import Iterable, Iterator

from leleka.diagram.model import Arrow, Box, Diagram, Heading, Message, Part, Participant, Remark, Tone

_LOOK = """\
skinparam backgroundColor #FFFFFF
skinparam defaultFontName "DejaVu Sans"
skinparam style strictuml
skinparam titleFontSize 20
skinparam sequence {
  ArrowColor #1F3A5F
  LifeLineBorderColor #9AA5B1
  LifeLineBackgroundColor #FFFFFF
  ParticipantBorderColor #1F3A5F
  ActorBorderColor #1F3A5F
  GroupBorderColor #B45309
  BoxBorderColor #CBD5E1
  DividerBackgroundColor #E8EEF6
  DividerBorderColor #1F3A5F
}
skinparam databaseBorderColor #1F3A5F
skinparam noteBorderColor #64748B
skinparam legendBackgroundColor #FFFFFF
skinparam legendBorderColor #CBD5E1
hide footbox"""

_ASKS, _DRIVES, _CARRIES, _SERVES, _LOCKS = "#E8EEF6", "#C7D8F2", "#FFF2CC", "#E6F4EA", "#FBE3E4"
_SHOWN = {
    Participant.CUSTOMER: ("actor", "Customer", _ASKS),
    Participant.WEB: ("participant", "Web App", _ASKS),
    Participant.API: ("participant", r"API\nGateway", _ASKS),
    Participant.OPERATOR: ("actor", "Operator", _ASKS),
    Participant.RECONCILER: ("participant", "Reconciler", _ASKS),
    Participant.ORCHESTRATOR: ("participant", r"Orchestrator\n(Step Functions)", _DRIVES),
    Participant.BROKER: ("participant", r"Broker\n(SQS, SNS)", _CARRIES),
    Participant.BOOKING: ("participant", "Booking", _SERVES),
    Participant.FLIGHT: ("participant", "Flight", _SERVES),
    Participant.SEAT: ("participant", "Seat", _SERVES),
    Participant.REDIS: ("database", r"Redis\n(seat lock)", _LOCKS),
    Participant.BAGGAGE: ("participant", "Baggage", _SERVES),
    Participant.PRICING: ("participant", "Pricing", _SERVES),
    Participant.PAYMENT: ("participant", "Payment", _SERVES),
    Participant.NOTIFICATION: ("participant", "Notification", _SERVES),
}
_UNDO_COLOUR = "#FFF7E0"
_FONT = {Tone.CODED: "#64748B", Tone.FAILED: "#B91C1C"}
_NOTE = {Tone.CODED: "#FFFFFF", Tone.FAILED: "#FEE2E2", Tone.GOOD: "#DCFCE7", Tone.TOLD: "#F8FAFC"}
_MEANINGS = {
    Arrow.REQUEST: "synchronous request",
    Arrow.REPLY: "synchronous reply",
    Arrow.COMMAND: "asynchronous command or event",
    Arrow.ANSWER: "asynchronous reply",
}
_LEGEND = f"""\
legend left
|= colour |= meaning |
|<#FEE2E2> <color:{_FONT[Tone.FAILED]}>red</color> | an attempt that failed, with its error |
| <color:{_FONT[Tone.CODED]}>grey</color> | what the code does there; the history is silent about it |
|<{_SERVES}> green | a service, with tables of its own |
|<{_UNDO_COLOUR}> undo | compensations: what was done is taken back, the last step first |
endlegend"""
_ORIGIN = "drawn by leleka diagram from the history of its executions"
_NOT_PLAIN = re.compile(r"[^\w .,:;()+/'…-]|(?<=([-_/]))\1")


def plantuml(diagram: Diagram) -> str:
    """The diagram as a PlantUML document. Shows who takes part, and at its end what the arrows mean."""
    lines = ["@startuml", _title(diagram), _LOOK, *_participants(diagram)]
    lines += [line for part in diagram.parts for line in _part(part)]
    return "\n".join([*lines, *_arrows(), _LEGEND, "@enduml", ""])


def _title(diagram: Diagram) -> str:
    return rf"title {_plain(diagram.title)}\n<size:13><color:{_FONT[Tone.CODED]}>{_ORIGIN}</color></size>"


def _participants(diagram: Diagram) -> Iterator[str]:
    present = {end for message in diagram.messages for end in (message.source, message.target)}
    present |= {Participant.CUSTOMER, Participant.WEB, Participant.API}  # the legend's arrows stand there
    for each in Participant:
        if each in present:
            shape, title, colour = _SHOWN[each]
            yield f'{shape} "{title}" as {each} {colour}'


def _part(part: Part) -> Iterator[str]:
    match part:
        case Heading(text):
            yield f"== {_plain(text)} =="
        case Box(title, parts):
            yield from (f"group {_UNDO_COLOUR} {_plain(title)}", *_flat(parts), "end")
        case Message():
            yield _message(part)
        case Remark(over, text, tone, ends):
            yield f"hnote over {over} {_NOTE[tone]} : {_coloured(text, tone)}"
            if ends:
                yield f"deactivate {ends}"


def _flat(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        yield from _part(part)


def _message(message: Message) -> str:
    arrow = message.arrow.value
    if message.tone in _FONT:
        arrow = f"{arrow[0]}[{_FONT[message.tone]}]{arrow[1:]}"
    life = {Arrow.REQUEST: " ++", Arrow.REPLY: " --"}.get(message.arrow, "")
    return f"{message.source} {arrow} {message.target}{life} : {_coloured(message.text, message.tone)}"


def _arrows() -> Iterator[str]:
    yield "== The arrows =="
    for arrow, meaning in _MEANINGS.items():
        yield f"{Participant.CUSTOMER} {arrow} {Participant.API} : {meaning}"


def _coloured(text: str, tone: Tone) -> str:
    lines = _plain(text).split(r"\n")
    return r"\n".join(f"<color:{_FONT[tone]}>{line}</color>" if tone in _FONT else line for line in lines)


def _plain(text: str) -> str:
    """The text without what PlantUML would take for markup; errors may have any name."""
    return r"\n".join(_NOT_PLAIN.sub("?", line) for line in text.splitlines())
