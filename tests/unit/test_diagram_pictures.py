"""The committed pictures: drawn from today's code, rendered from today's documents, readable anywhere. And how they
are made."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer

from leleka.diagram import pictures
from leleka.diagram.model import DiagramError
from leleka.diagram.pictures import FOLDER, PICTURES
from leleka.diagram.story import diagram_of
from leleka.diagram.svg import finished, mark, svg
from leleka.diagram.text import plantuml
from leleka.diagram.visits import run_of
from leleka.paths import PROJECT
from tests.unit.saga_history import TO_PAYMENT, History

STALE = "the picture is stale; run: make diagrams"
SVG = "{http://www.w3.org/2000/svg}"
ARROWS = ["->", "-->", "->>", "-->>"]
OURS = re.compile(r"stroke: #(1F3A5F|64748B|B91C1C);")


def recorded(name: str) -> History:
    """The history that a booking of this picture leaves."""
    history = History().succeed(*TO_PAYMENT)
    if name == "happy_path":
        history.answered("ProcessPayment").succeed("ConfirmSeat", "ConfirmBooking").publish("NotifyConfirmed")
        return history.add("ExecutionSucceeded")
    error = {"error": "CardDeclined"}
    history.ask("ProcessPayment").add("TaskFailed", taskFailedEventDetails=error).leave("ProcessPayment")
    history.succeed("ReleaseBaggage", "ReleaseSeat", "CancelBooking").publish("NotifyCancelled")
    return history.add("ExecutionFailed", executionFailedEventDetails=error)


def arrows_in_document(puml: str) -> list[str]:
    """The arrows of a document in their order, without colours."""
    found = re.findall(r"^\w+ (-\S*>) \w+(?: \+\+| --)? :", puml, re.M)
    return [re.sub(r"\[.*\]", "", arrow) for arrow in found]


def arrows_in_picture(picture: str) -> list[str]:
    """The arrows of a picture from top to bottom, by what is seen: dashed or not, a filled head or an open one."""
    root = ET.fromstring(picture)  # noqa: S314 - a file of ours
    lines = [line.attrib for line in root.iter(f"{SVG}line") if OURS.match(line.attrib["style"])]
    filled = {
        float(polygon.attrib["points"].split(",")[3])
        for polygon in root.iter(f"{SVG}polygon")
        if OURS.match(polygon.attrib["style"]) and polygon.attrib["points"].count(",") == 5
    }
    opened = {float(line["y1"]) for line in lines if line["y1"] != line["y2"]}
    shafts = sorted((float(line["y1"]), "dasharray" in line["style"]) for line in lines if line["y1"] == line["y2"])
    dash = {True: "--", False: "-"}
    return [dash[dashed] + (">" if y in filled else ">>") for y, dashed in shafts if y in filled | opened]


def words_in_document(puml: str) -> list[str]:
    """A document's title, headings and notes, and what stands at its arrows, line by line, without colours."""
    found = re.findall(r"^(?:title|==|hnote .* :|\w+ -\S*> \w+(?: \+\+| --)? :) (.+?)(?: ==)?$", puml, re.M)
    return [re.sub(r"<.*?>", "", line) for text in found for line in text.split(r"\n")]


def words_in_picture(picture: str) -> list[str]:
    """All that is written in a picture."""
    root = ET.fromstring(picture)  # noqa: S314 - a file of ours
    return [(text.text or "").replace("\N{NO-BREAK SPACE}", " ") for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", PICTURES)
def test_the_committed_document_is_what_the_code_draws_today(name: str) -> None:
    """From the history as it is recorded by hand; a functional test draws it from a real execution."""
    drawn = plantuml(diagram_of([run_of("saga", "bk-1", recorded(name).events)]))
    assert drawn == (FOLDER / f"{name}.puml").read_text(encoding="utf-8"), STALE


@pytest.mark.parametrize("name", PICTURES)
def test_the_committed_picture_was_rendered_from_the_committed_document(name: str) -> None:
    """By its mark, and by what it shows: the same words at the same arrows in the same order, of all four kinds."""
    puml = (FOLDER / f"{name}.puml").read_text(encoding="utf-8")
    picture = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert f"<!-- {mark(puml)} -->" in picture, STALE
    shown = arrows_in_picture(picture)
    assert shown == arrows_in_document(puml), STALE
    assert sorted(set(shown)) == sorted(ARROWS)
    words = words_in_document(puml)
    assert [word for word in words_in_picture(picture) if word in words] == words, STALE


@pytest.mark.parametrize("name", PICTURES)
def test_the_committed_picture_can_be_read_anywhere(name: str) -> None:
    """On a white ground also where the page is dark, not too wide or heavy, and without a word about the machine."""
    picture = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    root = ET.fromstring(picture)  # noqa: S314 - a file of ours
    ground = root[0].attrib
    assert (ground["width"], ground["height"], ground["fill"]) == ("100%", "100%", "#FFFFFF")
    assert int(root.attrib["viewBox"].split()[2]) <= 1400
    assert len(picture.encode()) < 100_000
    assert not re.search(r"/home|/root|/tmp|/work|/usr|Java|Linux|@startuml", picture)
    assert str(PROJECT) not in picture


def test_there_are_pictures_of_all_that_make_diagrams_draws_and_no_others() -> None:
    """A renamed picture leaves nothing behind; the page beside them shows each."""
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.{end}" for name in PICTURES for end in ("puml", "svg")}
    page = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert all(f"](diagrams/{name}.svg)" in page for name in PICTURES)


def test_what_plantuml_says_of_the_machine_does_not_stay_in_the_picture() -> None:
    """Neither as a comment nor as an instruction; the same rendering makes the same picture."""
    rendered = '<?xml version="1.0"?><?plantuml 1.2024?><svg width="1px"><g/><!--@startuml\nJava 17\n@enduml--></svg>'
    picture = finished(rendered, "a document")
    ground = '<rect width="100%" height="100%" fill="#FFFFFF"/>'
    assert picture == f'<?xml version="1.0"?><svg width="1px"><!-- {mark("a document")} -->{ground}<g/></svg>\n'
    assert mark("a document") != mark("another")


def test_without_plantuml_nothing_is_started_and_it_is_said_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a stack is started that would be of no use."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pictures, "own_stage", lambda _folder: pytest.fail("a stack was started"))
    with pytest.raises(typer.Exit):
        pictures.main()
    said = capsys.readouterr().err
    assert said.startswith("error: rendering needs the program plantuml. Debian and Ubuntu: apt-get install plantuml")
    assert said.count("\n") == 1


def test_a_document_that_plantuml_refuses_is_an_error_with_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not a picture of an error message."""
    program = tmp_path / "plantuml"
    program.write_text("#!/bin/sh\necho '<svg/>'\necho 'Syntax Error?' >&2\nexit 200\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DiagramError, match=r"did not accept the document: Syntax Error\?"):
        svg("@startuml\nnonsense\n@enduml\n")
