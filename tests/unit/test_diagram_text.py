"""A diagram as PlantUML: four kinds of arrows, who takes part, frames that close, and nothing that is markup."""

import re

import pytest

from leleka.diagram.model import Arrow, Box, Diagram, Heading, Message, Participant, Remark, Tone
from leleka.diagram.story import diagram_of
from leleka.diagram.text import plantuml
from leleka.diagram.visits import run_of
from tests.unit.saga_history import History, cancelled, confirmed, declined, expired, held, paid_later

ORCHESTRATOR, SEAT, PAYMENT = Participant.ORCHESTRATOR, Participant.SEAT, Participant.PAYMENT
LATE = {"error": "States.Timeout"}


def document(*parts: Message | Remark | Box | Heading) -> list[str]:
    """The lines of a picture with these parts, without its look, its participants and its legend."""
    lines = plantuml(Diagram("a title", parts)).splitlines()
    first = max(index for index, line in enumerate(lines) if re.match("actor|participant|database", line))
    return lines[first + 1 : lines.index("== The arrows ==")]


@pytest.mark.parametrize(
    ("arrow", "line"),
    [
        (Arrow.REQUEST, "Orchestrator -> Seat ++ : words"),
        (Arrow.REPLY, "Orchestrator --> Seat -- : words"),
        (Arrow.COMMAND, "Orchestrator ->> Seat : words"),
        (Arrow.ANSWER, "Orchestrator -->> Seat : words"),
    ],
)
def test_each_kind_of_message_has_an_arrow_of_its_own(arrow: Arrow, line: str) -> None:
    """What is synchronous also shows for how long somebody waits."""
    assert document(Message(ORCHESTRATOR, SEAT, arrow, "words")) == [line]


def test_a_colour_changes_no_arrow() -> None:
    """It stands inside the arrow, as PlantUML wants it; what succeeded in the history has none."""
    failed = Message(PAYMENT, ORCHESTRATOR, Arrow.ANSWER, "CardDeclined", Tone.FAILED)
    coded = Message(SEAT, Participant.REDIS, Arrow.REQUEST, "SET\nNX", Tone.CODED)
    assert document(failed, coded) == [
        "Payment -[#B91C1C]->> Orchestrator : <color:#B91C1C>CardDeclined</color>",
        r"Seat -[#64748B]> Redis ++ : <color:#64748B>SET</color>\n<color:#64748B>NX</color>",
    ]


def test_the_four_arrows_are_explained_at_the_end_of_each_picture() -> None:
    """With the arrows themselves, each once."""
    lines = plantuml(Diagram("a title", ())).splitlines()
    legend = lines[lines.index("== The arrows ==") + 1 :]
    assert legend[:5] == [
        "Customer -> API : synchronous request",
        "Customer --> API : synchronous reply",
        "Customer ->> API : asynchronous command or event",
        "Customer -->> API : asynchronous reply",
        "legend left",
    ]


def test_a_frame_closes_and_a_reply_that_never_came_ends_the_waiting() -> None:
    """Otherwise everything after it would look as if it were still waiting."""
    silence = Remark(ORCHESTRATOR, "no reply", Tone.FAILED, ends=SEAT)
    inner = (Message(ORCHESTRATOR, SEAT, Arrow.REQUEST, "C2 ReleaseSeat"), silence)
    assert document(Heading("a saga"), Box("undo", inner), Remark(ORCHESTRATOR, "the end", Tone.GOOD)) == [
        "== a saga ==",
        "group #FFF7E0 undo",
        "Orchestrator -> Seat ++ : C2 ReleaseSeat",
        "hnote over Orchestrator #FEE2E2 : <color:#B91C1C>no reply</color>",
        "deactivate Seat",
        "end",
        "hnote over Orchestrator #DCFCE7 : the end",
    ]


def test_only_who_takes_part_is_shown_and_always_in_the_same_order() -> None:
    """The customer's side, the orchestrator, the broker, the services; whoever speaks first."""
    messages = Message(PAYMENT, ORCHESTRATOR, Arrow.ANSWER, ""), Message(ORCHESTRATOR, SEAT, Arrow.REQUEST, "")
    shown = re.findall(r'^(?:actor|participant|database) ".*" as (\w+) #', plantuml(Diagram("t", messages)), re.M)
    assert shown == ["Customer", "WebApp", "API", "Orchestrator", "Seat", "Payment"]


def test_what_would_be_markup_to_plantuml_is_not_passed_on() -> None:
    """An error may have any name: it neither colours, nor includes, nor begins a line of its own."""
    (line,) = document(Message(SEAT, ORCHESTRATOR, Arrow.REPLY, "<b>a__b--c\n!include /etc/passwd\n|x|~%date()"))
    assert line == r"Seat --> Orchestrator -- : ?b?a_?b-?c\n?include /etc/passwd\n?x???date()"
    assert plantuml(Diagram("x\n@enduml", ())).count("@enduml") == 1


def test_in_every_story_who_waits_gets_a_reply_in_the_end() -> None:
    """Each activation of an ended saga is closed, by a reply or by the time-out, and each frame is closed."""
    lost = History().enter("ConfirmSeat").invoke()
    lost.add("LambdaFunctionTimedOut", lambdaFunctionTimedOutEventDetails=LATE).leave("ConfirmSeat")
    for history in (confirmed(), declined(), held(), paid_later(), expired(), cancelled(), lost):
        waiting: dict[str, int] = {}
        text = plantuml(diagram_of([run_of("saga", "bk-1", history.events)]))
        for line in text.splitlines():
            if opened := re.match(r"\w+ \S+ (\w+) \+\+ :", line):
                waiting[opened[1]] = waiting.get(opened[1], 0) + 1
            elif closed := re.match(r"(\w+) \S+ \w+ -- :|deactivate (\w+)", line):
                waiting[closed[1] or closed[2]] -= 1
        assert not any(waiting.values()), waiting
        assert text.count("\ngroup ") == text.count("\nend\n")
