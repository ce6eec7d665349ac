"""What the tools of `make lint` find is compared with what was accepted: nothing passes unseen, in either direction."""

import re
from pathlib import Path
from typing import Any

import pytest

from leleka.checks import __main__ as checks
from leleka.checks import dependencies, tools
from leleka.checks.findings import Accepted, Answer, CheckError, Finding, judge, load_accepted
from leleka.paths import PROJECT

FOUND = Finding("checkov", "CKV_1", "AWS::SQS::Queue.Commands", "not encrypted")
ENTRY = Accepted("checkov", "CKV_1", "AWS::SQS::Queue.*", "it is by default")


def test_a_finding_that_nobody_accepted_fails() -> None:
    """The usual case."""
    verdict = judge(Answer("checkov", (FOUND,)), [])
    assert (verdict.passed, verdict.open) == (False, (FOUND,))


def test_a_finding_that_was_accepted_passes() -> None:
    """By tool, rule and place."""
    verdict = judge(Answer("checkov", (FOUND,)), [ENTRY])
    assert (verdict.passed, verdict.accepted, verdict.open) == (True, 1, ())


@pytest.mark.parametrize(
    "other",
    [
        Accepted("cfn-lint", "CKV_1", "*", "another tool's rule"),
        Accepted("checkov", "CKV_2", "*", "another rule of it"),
        Accepted("checkov", "CKV_1", "AWS::SNS::*", "another kind of thing"),
    ],
)
def test_what_was_accepted_of_something_else_covers_nothing(other: Accepted) -> None:
    """Neither another tool's, nor another rule's, nor another place's."""
    assert judge(Answer("checkov", (FOUND,)), [other]).open == (FOUND,)


def test_what_is_accepted_and_not_found_any_more_fails() -> None:
    """Otherwise the file would go on excusing what somebody may bring back."""
    verdict = judge(Answer("checkov"), [ENTRY])
    assert (verdict.passed, verdict.idle) == (False, (ENTRY,))


def test_nothing_is_called_idle_on_the_word_of_a_tool_that_could_not_judge() -> None:
    """Without the advisory service no advisory is found, and the entry may still be needed."""
    assert judge(Answer("checkov", unasked="no service"), [ENTRY]).passed


def test_an_entry_without_a_reason_is_refused(tmp_path: Path) -> None:
    """The reason is what the file is for."""
    file = tmp_path / "accepted.yaml"
    file.write_text("- {tool: checkov, rule: CKV_1, where: '*', reason: todo}")
    with pytest.raises(CheckError, match="has no reason"):
        load_accepted(file)


def test_every_entry_of_the_project_has_a_reason() -> None:
    """The file as it is."""
    assert load_accepted()


def test_every_lock_file_is_audited() -> None:
    """Those that `make lock` writes, and what ships to Lambda."""
    written = re.findall(r" -o (\S+\.lock)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert {*written, "functions/requirements.txt"} == set(dependencies.LOCK_FILES)


class Done:
    """A pip-audit that has ended."""

    def __init__(self, stdout: str = "", stderr: str = "", returncode: int = 0) -> None:
        self.stdout, self.stderr, self.returncode = stdout, stderr, returncode


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    """A project that pins two packages in each lock file."""
    for name in dependencies.LOCK_FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("Alpha[extra]==1.0 ; python_version > '3' \\\n    --hash=sha256:0\nbeta==2\n")
    return tmp_path


def answered(monkeypatch: pytest.MonkeyPatch, root: Path, done: Done) -> Answer:
    """What the check makes of it."""
    monkeypatch.setattr(tools, "tool", lambda *_arguments: done)
    [answer] = dependencies.check_dependencies(root)
    return answer


CLEAN = '{"name": "%s", "version": "%s", "vulns": []}'
SKIPPED = '{"name": "beta", "skip_reason": "Dependency not found on PyPI and could not be audited: beta (2)"}'


def report(*dependencies: str) -> Done:
    """As pip-audit prints it."""
    return Done(f'{{"dependencies": [{", ".join(dependencies)}], "fixes": []}}')


def test_a_clean_audit_is_one_in_which_every_pin_was_known(monkeypatch: pytest.MonkeyPatch, pins: Path) -> None:
    """Each once, however many files pin it."""
    done = report(CLEAN % ("alpha", "1.0"), CLEAN % ("beta", "2"))
    assert answered(monkeypatch, pins, done) == Answer("pip-audit")


@pytest.mark.parametrize("rest", [[SKIPPED], []], ids=["skipped", "left out"])
def test_a_pin_that_the_service_does_not_know_was_not_audited(
    monkeypatch: pytest.MonkeyPatch, pins: Path, rest: list[str]
) -> None:
    """pip-audit itself exits with success and says that no vulnerabilities are known."""
    answer = answered(monkeypatch, pins, report(CLEAN % ("alpha", "1.0"), *rest))
    assert answer.unasked
    assert answer.unasked.startswith("the advisory service knows 1 of 2 pins")


def test_a_pip_audit_that_breaks_by_itself_is_no_missing_network(monkeypatch: pytest.MonkeyPatch, pins: Path) -> None:
    """Otherwise a wrong option would look like a service that does not answer."""
    with pytest.raises(CheckError, match="pip-audit broke"):
        answered(monkeypatch, pins, Done(stderr="pip-audit: error: unrecognized arguments: --oops", returncode=2))


def run(monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> int:
    """The exit code when the tools answer so."""
    monkeypatch.setattr(checks, "CHECKS", {"all": lambda: list(answers)})
    monkeypatch.setattr(checks, "load_accepted", list)
    return checks.main([])


UNASKED = Answer("pip-audit", unasked="no advisory service answered")


def test_an_audit_that_could_not_be_made_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no error where there is no service to ask, and no tick either."""
    monkeypatch.delenv(checks.REQUIRED, raising=False)
    assert run(monkeypatch, UNASKED) == 0
    told = capsys.readouterr().out
    assert "✓" not in told
    assert re.search(r"NOT AUDITED by pip-audit, neither passed nor failed: no advisory service answered$", told, re.M)


def test_where_an_audit_is_required_one_that_could_not_be_made_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a CI that has a network."""
    monkeypatch.setenv(checks.REQUIRED, "required")
    assert run(monkeypatch, UNASKED) == 1
    assert run(monkeypatch, Answer("pip-audit")) == 0


def test_a_finding_is_an_error_and_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Tool, rule, place and words in one line."""
    assert run(monkeypatch, Answer("checkov", (FOUND,)), Answer("bandit")) == 1
    assert "  checkov CKV_1 AWS::SQS::Queue.Commands: not encrypted\n" in capsys.readouterr().out


def test_a_tool_that_breaks_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """And the other checks are still made."""

    def broken() -> list[Answer]:
        raise CheckError("bandit exited with 3")

    monkeypatch.setattr(checks, "load_accepted", list)
    monkeypatch.setattr(checks, "CHECKS", {"code": broken, "openapi": lambda: [Answer("openapi-spec-validator")]})
    assert checks.main([]) == 1
    told = capsys.readouterr().out
    assert "✗ code: bandit exited with 3" in told
    assert "✓ openapi-spec-validator" in told


def test_a_check_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error must not be a check that passed."""
    arguments: Any = ["secret"]
    assert checks.main(arguments) == 2
    assert "no check is called secret" in capsys.readouterr().err
