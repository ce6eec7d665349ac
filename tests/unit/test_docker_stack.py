"""The stack in Docker, without Docker: which of its commands are called, and what is said when it is not there."""

import json
from pathlib import Path

import pytest

from leleka import cli_stack, own_stage, stages_here
from leleka.stack import StackConfig, StackError, control, docker, find, start, stop, temporary_stack
from leleka.stage import Aws, Stage
from tests.unit.cli_world import STAGE, run
from tests.unit.fake_docker import FakeDocker

NO_ENGINE = 'version*) echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2; exit 1;;'
UP, DOWN = "up --wait", "down --volumes --remove-orphans"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """A Docker that does all that it is asked for; both servers answer once it was asked to start them."""
    made = FakeDocker(tmp_path)
    made.install(monkeypatch)
    monkeypatch.setenv("LELEKA_STACK", "docker")
    for name in ("LELEKA_GATEWAY_PORT", "LELEKA_VALKEY_PORT", "LELEKA_LOCK_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("localstack_answers", "valkey_answers"):
        monkeypatch.setattr(control, name, lambda _port: UP in made.calls() and DOWN not in made.calls())
    return made


@pytest.mark.usefixtures("fake")
def test_functions_and_this_machine_have_urls_of_their_own_for_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions are in Docker's network and know Valkey by its name; here it is a port. Tools take the latter."""
    running = start(StackConfig.from_environment())
    assert (running.lock_url, running.valkey_url) == ("redis://valkey:6379/0", "redis://127.0.0.1:6379/0")
    assert running.gateway_url == "http://127.0.0.1:4566"
    monkeypatch.setattr(stages_here, "find", find)
    aws = stages_here.aws_of("local")
    assert (aws.gateway_url, aws.lock_url_here) == (running.gateway_url, running.valkey_url)


@pytest.mark.usefixtures("fake")
def test_functions_are_told_their_url_of_the_lock_and_not_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """By `leleka deploy` and by the tests' own deployment alike."""
    told: list[tuple[str | None, str]] = []

    def deployed(aws: Aws, lock_url: str, *_: object, **__: object) -> Stage:
        told.append((aws.lock_url_here, lock_url))
        return STAGE

    monkeypatch.setattr("leleka.deploy.deploy", deployed)
    monkeypatch.setattr("leleka.deploy.package", lambda _stage: None)
    monkeypatch.setattr("leleka.seed.seed", lambda _stage: None)
    monkeypatch.setattr("leleka.chalice_deploys.record", lambda *_: None)
    with pytest.raises(StackError, match="no stack runs in Docker"):
        own_stage.stage_in_docker()
    start(StackConfig.from_environment())
    monkeypatch.setattr(stages_here, "find", find)
    assert own_stage.stage_in_docker() is STAGE
    assert run("deploy").exit_code == 0
    assert told == [("redis://127.0.0.1:6379/0", "redis://valkey:6379/0")] * 2


def test_ports_are_those_that_were_asked_for(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose publishes them, and the commands look there."""
    monkeypatch.setenv("LELEKA_GATEWAY_PORT", "5001")
    running = start(StackConfig.from_environment())
    assert running.gateway_url == "http://127.0.0.1:5001"
    assert "5001 6379" in fake.ports()


def test_an_unknown_kind_of_stack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt one must not start the other one."""
    monkeypatch.setenv("LELEKA_STACK", "dockre")
    assert run("up").stderr == "error: LELEKA_STACK is 'dockre'; it must be one of: processes, docker\n"


@pytest.mark.parametrize(("case", "told"), [(NO_ENGINE, "Cannot connect"), ("compose*) exit 1;;", "it said nothing")])
def test_without_an_engine_or_its_compose_there_is_one_line(
    fake: FakeDocker, case: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing was started, nor is there anything to end."""
    fake.cases = [case]
    fake.install(monkeypatch)
    result = run("up")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert result.stderr.startswith("error: Docker can't be used here (docker ")
    assert told in result.stderr
    assert fake.calls() == []
    assert run("down").stderr == "no local stack was running\n"


def test_without_the_program_there_is_one_line(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for who has no Docker at all."""
    monkeypatch.setenv("PATH", str(fake.folder / "empty"))
    result = run("up")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "No such file or directory: 'docker'" in result.stderr


def test_a_start_that_fails_leaves_nothing(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two servers may be up by then."""
    fake.cases = ["*up*) exit 17;;"]
    fake.install(monkeypatch)
    with pytest.raises(StackError, match="docker compose up failed with exit code 17"):
        start(StackConfig.from_environment())
    assert fake.calls()[0] == UP
    assert fake.calls()[-1] == DOWN


def test_a_stack_that_does_not_answer_is_ended(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Healthy in there, and yet not to be reached from here."""
    monkeypatch.setattr(control, "localstack_answers", lambda _port: False)
    with pytest.raises(StackError, match="nothing answers on port 4566"):
        start(StackConfig.from_environment())
    assert fake.calls()[-1] == DOWN


def test_the_stack_of_a_block_ends_with_it(fake: FakeDocker) -> None:
    """Also when the block fails."""

    def failing_block() -> None:
        with temporary_stack(StackConfig.from_environment()):
            assert fake.calls() == [UP]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing_block()
    assert fake.calls()[-1] == DOWN


def test_a_stack_that_runs_already_is_not_taken_over(fake: FakeDocker) -> None:
    """A block would end what somebody else uses."""
    config = StackConfig.from_environment()
    start(config)
    with pytest.raises(StackError, match="running in Docker already"), temporary_stack(config):
        pass
    assert fake.calls() == [UP]
    assert start(config) == find(config)
    assert fake.calls() == [UP]


def test_containers_of_functions_go_before_their_network(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A LocalStack that was killed leaves them; a network that is in use can't be removed."""
    fake.cases = ["ps*) echo abc; echo def;;"]
    fake.install(monkeypatch)
    assert stop(StackConfig.from_environment())
    asked = "ps --all --quiet --filter name=^/?leleka-localstack-lambda-"
    assert fake.calls() == ["stop", asked, "rm --force abc def", DOWN]


@pytest.mark.usefixtures("fake")
def test_status_has_no_process_ids_and_names_the_command_for_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's process id means nothing here."""
    start(StackConfig.from_environment())
    monkeypatch.setattr(cli_stack, "localstack_answers", lambda _port: True)
    monkeypatch.setattr(cli_stack, "valkey_answers", lambda _port: True)
    monkeypatch.setattr(cli_stack, "_deployed_stage", lambda: None)
    document = json.loads(run("status", "--json").stdout)
    logs = {server["name"]: (server["pid"], server["log"]) for server in document["servers"]}
    assert logs == {name: (None, f"docker logs leleka-{name}") for name in ("localstack", "valkey")}
    assert "docker logs leleka-valkey" in run("status").stdout


def test_who_has_a_valkey_of_his_own_says_so(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with any other stage."""
    assert fake.calls() == []
    monkeypatch.setenv("LELEKA_LOCK_URL", "redis://elsewhere:1/0")
    assert docker.lock_url() == "redis://elsewhere:1/0"
