"""Chalice on top of a stage that CloudFormation made: its record of the REST API, and the shell that it is run in."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leleka import chalice_deploys, cli_stack, stages_here
from leleka.chalice_deploys import forget, record, shell_lines, take_back
from leleka.stack import RunningStack
from leleka.stage import LOCAL, Aws
from tests.unit.cli_world import STAGE, run

ONE, OTHER = (replace(STAGE, outputs={"RestAPIId": api}) for api in ("api1", "api2"))


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A functions folder in which nothing was recorded yet; that of the checkout is left alone."""
    (tmp_path / ".chalice").mkdir()
    monkeypatch.setattr(chalice_deploys, "FUNCTIONS", tmp_path)
    return tmp_path


def test_chalice_finds_the_rest_api_of_the_stage_in_its_record(functions: Path) -> None:
    """In the form in which Chalice 1.34 reads it; otherwise it would make an API of its own."""
    from chalice.config import Config  # noqa: PLC0415 - only this test needs it

    record(ONE, functions)
    found = Config(chalice_stage="local", user_provided_params={"project_dir": str(functions)})
    assert found.deployed_resources("local").resource_values("rest_api")["rest_api_id"] == "api1"


def test_the_end_of_a_stage_removes_its_record_and_no_other(functions: Path) -> None:
    """Two stacks of one checkout may run; the record is about the one that was deployed last."""
    forget(ONE, functions)
    record(OTHER, functions)
    forget(ONE, functions)
    assert "api2" in (functions / ".chalice" / "deployed" / "local.json").read_text()
    forget(OTHER, functions)
    assert not (functions / ".chalice" / "deployed").exists()


def test_deploy_writes_the_record_and_down_removes_it(functions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a local stage; one on AWS is nothing for `chalice deploy`."""
    stack = RunningStack(4566, 6379, Path("/logs"), {})
    monkeypatch.setattr(cli_stack, "find", lambda _config: stack)
    monkeypatch.setattr(cli_stack, "stop", lambda _config: True)
    monkeypatch.setattr(cli_stack, "localstack_answers", lambda _port: True)
    monkeypatch.setattr(cli_stack, "_deployed_stage", lambda: ONE)
    monkeypatch.setattr("leleka.cli_stack.stages_here.aws_of", _aws_of)
    monkeypatch.setattr("leleka.cli_stack.deployment.deploy", lambda *_, **__: ONE)
    file = functions / ".chalice" / "deployed" / "local.json"
    assert run("deploy", "--stage", "prod", "--yes").exit_code == 0
    assert not file.exists()
    assert run("deploy").exit_code == 0
    assert json.loads(file.read_text())["resources"][0]["rest_api_url"] == "http://api/"
    assert run("down").exit_code == 0
    assert not file.exists()


def _aws_of(stage: str) -> Aws:
    return Aws(stage, "http://127.0.0.1:4566" if stage == LOCAL else None)


def test_a_shell_is_pointed_at_the_stack_whatever_it_was_told_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile of the user's would bring a region and keys of a real account."""
    monkeypatch.setattr(stages_here, "find", lambda _config: RunningStack(4567, 6379, Path("/logs"), {}))
    told = {"PATH": "/usr/bin:/bin", "AWS_PROFILE": "company", "AWS_SESSION_TOKEN": "real", "AWS_REGION": "eu-west-1"}
    script = f"{run('env').stdout}\nenv; command -v chalice"
    done = subprocess.run(  # noqa: S603 - the shell is what is told
        ["/bin/sh", "-c", script], env=told, capture_output=True, text=True, timeout=30, check=True
    )
    lines = done.stdout.splitlines()
    variables = dict(line.split("=", 1) for line in lines if line.startswith("AWS_"))
    assert variables == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4567",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    assert lines[-1].endswith("/chalice")
    assert shell_lines("http://$(touch x)").startswith("export AWS_ENDPOINT_URL='http://$(touch x)'\n")


def test_functions_of_a_local_stage_have_the_names_that_chalice_looks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Chalice itself builds them, of every function that config.json knows."""
    from chalice.cli.factory import CLIFactory  # noqa: PLC0415 - only this test needs it
    from chalice.deploy.appgraph import ApplicationGraphBuilder  # noqa: PLC0415 - as above
    from chalice.deploy.models import LambdaFunction, RestAPI  # noqa: PLC0415 - as above

    factory = CLIFactory(str(chalice_deploys.FUNCTIONS))
    config = factory.create_config_obj(chalice_stage_name="local")
    graph: Any = ApplicationGraphBuilder().build(config, "local")
    wanted = {each.function_name for each in graph.resources if isinstance(each, LambdaFunction)}
    wanted |= {each.lambda_function.function_name for each in graph.resources if isinstance(each, RestAPI)}
    logical = ["APIHandler", *(name for name in config.config_from_disk["lambda_functions"] if name != "api_handler")]
    resources: Any = {name: {"Type": "AWS::Serverless::Function", "Properties": {}} for name in logical}
    monkeypatch.setattr(chalice_deploys, "_changed_by_chalice", lambda _aws: set())
    take_back(Aws("local"), {"Resources": resources})
    assert all("Description" not in resource["Properties"] for resource in resources.values())
    assert {resource["Properties"]["FunctionName"] for resource in resources.values()} == wanted
