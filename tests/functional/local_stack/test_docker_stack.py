"""``make test-docker`` with a stack of processes in the place of containers: all of it but what is inside them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leleka.paths import PROJECT
from leleka.stack import StackConfig, find
from leleka.stack.config import free_ports
from tests.in_docker import LEFT_OUT
from tests.unit.fake_docker import FakeDocker

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

_TESTS = "test_functions_and_this_machine_reach_the_same_lock_server or test_seeding_again_undoes_no_sale"
_MAKE_S = 540
_START_D = PROJECT / "localstack" / "docker" / "start.d" / "plugins.py"
_SEES_PLUGINS = """
import sys
from localstack.services.apigateway.next_gen.execute_api import gateway
from localstack.services.lambda_.provider import LambdaProvider
before = LambdaProvider.update_function_code, gateway.RestApiGateway.__init__
with open(sys.argv[1], "rb") as script:
    exec(script.read(), {})
assert LambdaProvider.update_function_code is not before[0]
assert gateway.RestApiGateway.__init__ is not before[1]
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDocker]:
    """A Docker whose Compose starts and ends processes. Functions are told of Valkey by another name than tools are."""
    leleka = Path(sys.executable).with_name("leleka")
    gateway_port, valkey_port = free_ports(2)
    as_processes = f"LELEKA_STACK=processes {leleka}"
    cases = [f'*" up --wait") {as_processes} up;;', f'*" down --volumes"*) {as_processes} down;;']
    made = FakeDocker(tmp_path, cases)
    made.install(monkeypatch)
    monkeypatch.setenv("LELEKA_STATE_DIR", str(tmp_path / "stack"))
    monkeypatch.setenv("LELEKA_GATEWAY_PORT", str(gateway_port))
    monkeypatch.setenv("LELEKA_VALKEY_PORT", str(valkey_port))
    monkeypatch.setenv("LELEKA_LOCK_URL", f"redis://localhost:{valkey_port}/0")
    yield made
    subprocess.run([str(leleka), "down"], timeout=60, check=True)  # noqa: S603 - our own; there is none if all is well


def make_test_docker() -> "subprocess.CompletedProcess[str]":
    """As a person runs it, but for the environments, which are there."""
    ready = [".venv/.ready", "localstack/.venv/.ready", "localstack/.runtime/.ready"]
    command = ["make", *(f"--assume-old={file}" for file in ready), "test-docker"]
    return subprocess.run(  # noqa: S603 - our own command line
        command, cwd=PROJECT, capture_output=True, text=True, timeout=_MAKE_S, check=False
    )


def test_the_tests_run_against_the_stack_and_end_it(
    docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deployed, seeded, booked there; what was left out is said; nothing is left."""
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-p no:cacheprovider -k '{_TESTS}'")
    done = make_test_docker()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "2 passed" in done.stdout
    assert all(f"left out: {folder}: " in done.stderr for folder in LEFT_OUT)
    started, *others, ended = docker.calls()
    assert (started, ended) == ("up --wait", "down --volumes --remove-orphans")
    assert "stop" in others
    assert find(StackConfig(tmp_path / "stack")) is None


def test_without_an_engine_it_says_so_in_one_line_and_fails(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is started."""
    docker.cases = ["version*) echo 'Cannot connect to the Docker daemon' >&2; exit 1;;"]
    docker.install(monkeypatch)
    done = make_test_docker()
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith(("left out: ", "make: ", "make["))]
    assert said == ["error: Docker can't be used here (docker version: Cannot connect to the Docker daemon)"]
    assert docker.calls() == []


def test_localstack_in_docker_gets_the_plugins_that_it_needs(tmp_path: Path) -> None:
    """The script that it runs as it starts, run as it does so, in the same version of it."""
    mounted = str(PROJECT / "localstack" / "plugins")
    script = tmp_path / "plugins.py"
    script.write_text(_START_D.read_text().replace("/opt/leleka", mounted))
    assert mounted in script.read_text()
    python = PROJECT / "localstack" / ".venv" / "bin" / "python"
    command = [str(python), "-c", _SEES_PLUGINS, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stderr[-2000:]
