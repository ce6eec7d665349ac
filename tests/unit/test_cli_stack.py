"""An operator's commands: they name what is missing, and what fails is one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leleka import cli_stack, stages_here, terminal
from leleka.deploy import DeployError
from leleka.seed import SeedReport
from leleka.stack import RunningStack, StackError
from leleka.stage import StageError
from tests.unit.cli_world import BOOK, STAGE, run

LOGS = Path("/logs")


def nothing(*_: Any) -> None:
    return None


@pytest.mark.parametrize("command", [("seats", "X"), ("flights", "KBP", "BCN"), BOOK, ("deploy",), ("seed",)])
def test_without_a_stack_every_command_names_the_one_that_starts_it(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newcomer's first mistake."""
    monkeypatch.setattr(stages_here, "find", nothing)
    result = run(*command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "error: no local stack runs here; run: leleka up"


def test_status_without_a_stack_is_a_document_and_exit_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a script can wait for it."""
    monkeypatch.setattr(cli_stack, "find", nothing)
    result = run("status", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"running": False, "servers": [], "deployed": False}
    assert run("status").stdout == ""


@pytest.mark.parametrize(("valkey_up", "exit_code"), [(True, 0), (False, 1)])
def test_status_tells_which_server_does_not_answer(
    valkey_up: bool, exit_code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ports, health and logs of both; a sick one is exit code 1."""
    processes = {name: type("Id", (), {"pid": 7})() for name in ("localstack", "valkey")}
    stack = RunningStack(4566, 6379, LOGS, processes)
    monkeypatch.setattr(cli_stack, "find", lambda _config: stack)
    monkeypatch.setattr(cli_stack, "localstack_answers", lambda _port: True)
    monkeypatch.setattr(cli_stack, "valkey_answers", lambda _port: valkey_up)
    monkeypatch.setattr(cli_stack, "_deployed_stage", nothing)
    result = run("status", "--json")
    servers = {server["name"]: server for server in json.loads(result.stdout)["servers"]}
    assert servers["valkey"] == {
        "name": "valkey",
        "pid": 7,
        "port": 6379,
        "healthy": valkey_up,
        "log": "/logs/valkey.log",
    }
    assert result.exit_code == run("status").exit_code == exit_code


@pytest.mark.parametrize(
    ("command", "function", "error"),
    [
        ("up", "leleka.cli_stack.start", StackError("LocalStack ended at once; its log: /logs")),
        ("down", "leleka.cli_stack.stop", StackError("process 7 does not end")),
        ("deploy", "leleka.cli_stack.stages_here.aws_of", StageError("no local stack")),
        ("demo", "leleka.demo.run", DeployError("chalice package failed:\nno requirements.txt")),
    ],
)
def test_whatever_fails_is_one_line_on_stderr(
    command: str, function: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message of the module that knows; line breaks in it become blanks."""
    monkeypatch.setattr(cli_stack, "find", nothing)
    monkeypatch.setattr(function, raising(error))
    result = run(command)
    assert result.exit_code == 1
    assert result.stderr == f"error: {str(error).replace(chr(10), ' ')}\n"


def test_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A lock's key ends in ``:lock:``-like words and a message may hold brackets; neither is markup here."""
    text = "lock seat:KBP-BCN-0615:12B:lock: [red]"
    terminal.stdout().print(text)
    terminal.say(text)
    assert capsys.readouterr() == (f"{text}\n", f"{text}\n")


def test_an_interrupted_command_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """As shells expect it."""
    monkeypatch.setattr("leleka.cli_stack.start", raising(KeyboardInterrupt()))
    assert run("up").exit_code == 130


@pytest.fixture
def _running(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack that is up, with a stage."""
    processes = {name: type("Id", (), {"pid": 7})() for name in ("localstack", "valkey")}
    stack = RunningStack(4566, 6379, LOGS, processes)
    for name in ("find", "start"):
        monkeypatch.setattr(cli_stack, name, lambda _config: stack)
    for name in ("localstack_answers", "valkey_answers"):
        monkeypatch.setattr(cli_stack, name, lambda _port: True)
    monkeypatch.setattr(cli_stack, "_deployed_stage", lambda: STAGE)


@pytest.mark.usefixtures("_running")
def test_the_page_of_a_stage_that_is_up_is_the_last_line() -> None:
    """With its slash; in JSON under a name of its own."""
    for command in ("status", "up"):
        assert run(command).stdout.splitlines()[-1] == "page http://api/"
    assert json.loads(run("status", "--json").stdout)["page_url"] == "http://api/"


@pytest.mark.usefixtures("_running")
def test_a_stack_without_a_stage_has_no_page_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what makes one."""
    monkeypatch.setattr(cli_stack, "_deployed_stage", nothing)
    done = run("up")
    assert "page" not in done.stdout
    assert done.stderr == "next: leleka deploy, then leleka seed\n"


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def test_seed_tells_how_much_was_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 the second time. Then there is something to see, so the last line says where."""
    monkeypatch.setattr(stages_here, "load", lambda _name: STAGE)
    monkeypatch.setattr("leleka.seed.seed", lambda _stage: SeedReport(12, 2160, 0, 0.7))
    assert run("seed").stdout == "12 flights, 2160 seats, 0 of them new, 0.7 s\npage http://api/\n"


def test_settings_of_a_deployment_are_name_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """They reach the template by their name; what is no pair is refused before anything is done."""
    given: dict[str, Any] = {}
    monkeypatch.setattr("leleka.cli_stack.deployment.deploy", lambda *_, **settings: given.update(settings) or STAGE)
    lock = ("--stage", "prod", "--yes", "--lock-url", "rediss://lock")
    done = run("deploy", *lock, "--set", "HoldTtlSeconds=60", "--set", "SenderAddress=a=b@c.d")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "page http://api/")
    assert given == {"packaged": None, "HoldTtlSeconds": "60", "SenderAddress": "a=b@c.d"}
    refused = run("deploy", *lock, "--set", "HoldTtlSeconds")
    assert (refused.exit_code, refused.stderr) == (1, "error: --set takes Name=Value, not 'HoldTtlSeconds'\n")
