"""The stack in Docker is the stack of processes in containers: what they are told, their versions, who reaches them."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
import yaml

from leleka.paths import PROJECT
from leleka.stack import StackConfig, docker
from leleka.stack.servers import localstack_environment, valkey_binary, valkey_options
from tests.in_docker import FOLDER, LEFT_OUT

PORT = 5005
OF_A_PROCESS = {"PATH", "HOME", "TMPDIR", "LANG", "FILESYSTEM_ROOT", "PROCESS_EXECUTOR_PYTHON"}
"""Where a process finds its files; a container has its own."""
BESIDES_DOCKER = {"LAMBDA_RUNTIME_EXECUTOR": "process", "PROVIDER_OVERRIDE_DYNAMODB": "atomic"}
"""Our plug-ins. The image brings DynamoDB Local, and functions run in containers."""
OF_DOCKER = {"LAMBDA_RUNTIME_EXECUTOR": "docker", "LAMBDA_DOCKER_NETWORK": "leleka"}


@pytest.fixture
def compose(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The file as Compose reads it, with a gateway port that was asked for and a Valkey port that was not."""
    monkeypatch.delenv("LELEKA_VALKEY_PORT", raising=False)
    given = {"LELEKA_GATEWAY_PORT": str(PORT)}
    text = re.sub(r"\$\{(\w+):-(\w+)\}", lambda found: given.get(found[1], found[2]), docker.COMPOSE_FILE.read_text())
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def test_it_is_in_order_by_the_compose_specification() -> None:
    """Names of keys and their types, by the specification's own schema."""
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [str(program), "--builtin-schema", "vendor.compose-spec", str(docker.COMPOSE_FILE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout


def test_localstack_is_told_the_same(compose: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for what is about files and processes; inside its container it listens to the network of the stack."""
    monkeypatch.delenv("PROCESS_EXECUTOR_MAX_TOTAL", raising=False)
    process = localstack_environment(PORT, tmp_path)
    container = dict(compose["services"]["localstack"]["environment"])
    assert container.pop("MAIN_CONTAINER_NAME") == compose["services"]["localstack"]["container_name"]
    everywhere = process.pop("GATEWAY_LISTEN").replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - compared, not listened to
    assert container.pop("GATEWAY_LISTEN") == everywhere
    assert {name: process.pop(name) for name in BESIDES_DOCKER} == BESIDES_DOCKER
    assert {name: container.pop(name) for name in OF_DOCKER} == OF_DOCKER
    assert container == {name: value for name, value in process.items() if name not in OF_A_PROCESS}


def test_valkey_is_started_the_same_way(compose: dict[str, Any]) -> None:
    """In memory only. Nobody but the stack reaches it, so it needs no password there either."""
    program, *told = compose["services"]["valkey"]["command"]
    container, process = (dict(zip(options[::2], options[1::2], strict=True)) for options in (told, valkey_options(7)))
    assert program == "valkey-server"
    assert container.pop("--protected-mode") == "no"
    assert container == {name: process[name] for name in process.keys() - {"--port", "--bind", "--daemonize"}}


def test_the_images_are_the_versions_that_the_tests_run_with(compose: dict[str, Any]) -> None:
    """Pinned by their tags: LocalStack as in its lock file, Valkey as in the package that brings it."""
    lock = (PROJECT / "localstack" / "requirements.lock").read_text()
    localstack = re.findall(r"^localstack-core==(\S+)", lock, re.MULTILINE)
    says = subprocess.run([str(valkey_binary()), "--version"], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    valkey = re.findall(r"v=(\S+)", says.stdout)
    images = {name: service["image"] for name, service in compose["services"].items()}
    assert images == {"localstack": f"localstack/localstack:{localstack[0]}", "valkey": f"valkey/valkey:{valkey[0]}"}


def test_only_this_machine_reaches_it_and_on_the_ports_that_the_commands_use(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published on loopback; the gateway on the same port inside and outside, since its addresses name the port."""
    monkeypatch.setenv("LELEKA_STACK", "docker")
    monkeypatch.setenv("LELEKA_GATEWAY_PORT", str(PORT))
    config = StackConfig.from_environment()
    published = {name: service["ports"] for name, service in compose["services"].items()}
    assert published == {
        "localstack": [f"127.0.0.1:{PORT}:{PORT}"],
        "valkey": [f"127.0.0.1:{config.valkey_port}:6379"],
    }
    assert config.gateway_port == PORT


def test_functions_are_in_the_network_in_which_valkey_has_the_name_of_its_url(compose: dict[str, Any]) -> None:
    """One network, by a fixed name, since LocalStack is told it; and the commands know the containers' names."""
    assert compose["networks"] == {"leleka": {"name": OF_DOCKER["LAMBDA_DOCKER_NETWORK"]}}
    assert all(service["networks"] == ["leleka"] for service in compose["services"].values())
    assert urlparse(docker.lock_url()).hostname in compose["services"]
    for name, service in compose["services"].items():
        assert docker.log_command(name) == f"docker logs {service['container_name']}"
    of_functions = f"{compose['services']['localstack']['container_name']}-lambda-reserveseat-4f2"
    assert re.search(docker.FUNCTION_CONTAINERS, of_functions)


def test_every_server_has_a_health_check_and_limits(compose: dict[str, Any]) -> None:
    """`up --wait` waits for the one; the others keep a runaway from taking the machine along."""
    for service in compose["services"].values():
        assert {"healthcheck", "mem_limit", "pids_limit"} <= service.keys()


def test_what_is_mounted_from_the_checkout_is_there(compose: dict[str, Any]) -> None:
    """Docker would make an empty folder of a path that is not, and say nothing."""
    mounts = [mount.split(":")[0] for mount in compose["services"]["localstack"]["volumes"]]
    own = [docker.COMPOSE_FILE.parent / mount for mount in mounts if mount.startswith("./")]
    assert len(own) == 2
    assert all(any(folder.glob("*.py")) for folder in own)


def test_tests_that_need_processes_are_left_out() -> None:
    """A process id of a container's server, sent a signal here, would hit another process; and a test with a stack of
    its own would say nothing about Docker."""
    ignored = [PROJECT / folder for folder in LEFT_OUT]
    assert all(folder.is_dir() for folder in ignored)
    modules = [path for path in (PROJECT / FOLDER).rglob("*.py") if not set(ignored) & set(path.parents)]
    checked = 0
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            checked += 1
            if re.search(r"\bos\.kill|\bown_stage\(|\btemporary_stack\(", ast.unparse(node)):
                assert "pytest.mark.processes" in [ast.unparse(mark) for mark in node.decorator_list], node.name
    assert checked > 100
