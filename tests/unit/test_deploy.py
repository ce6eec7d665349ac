"""What differs between a deployment to AWS and one to LocalStack, and nothing else does."""

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from leleka import deploy
from leleka.change_sets import DeployError
from leleka.stage import Aws
from tests.unit.aws_world import FakeAws
from tests.unit.cli_world import STAGE

TEMPLATE = {
    "Parameters": {"RunsOn": {}, "LockUrl": {}, "DynamoDbPrefixList": {}, "HoldTtlSeconds": {}},
    "Resources": {"Sell": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip"}}},
}


class Ec2:
    """Knows the prefix lists of these services."""

    meta = type("Meta", (), {"region_name": "eu-central-1"})

    def __init__(self, *services: str) -> None:
        self.services = services

    def describe_managed_prefix_lists(self, Filters: Any) -> Any:  # noqa: N803 - boto3's spelling
        [name] = Filters[0]["Values"]
        found = [name for service in self.services if name == f"com.amazonaws.eu-central-1.{service}"]
        return {"PrefixLists": [{"PrefixListId": "pl-1"} for _ in found]}


class World:
    """Everything that a deployment does, in its order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.template: dict[str, Any] = {}
        self.parameters: dict[str, str] = {}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()

    class Artifacts:
        def __init__(self, _aws: Aws) -> None: ...

        def upload(self, _code: bytes, template: dict[str, Any]) -> tuple[str, dict[str, str]]:
            made.done.append("uploaded")
            made.template = template
            return "https://template", {"SagaKey": "key"}

    class Stack:
        name = "leleka-prod"

        def __init__(self, _aws: Aws) -> None: ...

        def change(self, _url: str, parameters: dict[str, str], _known: set[str], approve: Any) -> None:
            made.parameters = parameters
            if approve:
                approve([])
            made.done.append("changed")

    @contextmanager
    def guarded(_aws: Aws, approve: Any) -> Any:
        yield approve
        made.done.append("guarded")

    monkeypatch.setattr(deploy, "Artifacts", Artifacts)
    monkeypatch.setattr(deploy, "Stack", Stack)
    monkeypatch.setattr("leleka.deploy.protection.lifted_as_approved", guarded)
    monkeypatch.setattr("leleka.deploy.versions.prune", lambda _aws: made.done.append("pruned"))
    monkeypatch.setattr("leleka.deploy.watch", lambda _template: made.done.append("watched"))
    monkeypatch.setattr("leleka.deploy.chalice_deploys.take_back", lambda *_: None)
    monkeypatch.setattr("leleka.deploy.local_api.keep", lambda *_: made.done.append("kept"))
    monkeypatch.setattr("leleka.deploy.local_api.put", lambda *_: made.done.append("put"))
    monkeypatch.setattr("leleka.deploy.stages.load", lambda _aws: STAGE)
    return made


def packaged(folder: Path) -> deploy.Package:
    folder = folder / "package"
    folder.mkdir()
    (folder / "sam.yaml").write_text(yaml.safe_dump(TEMPLATE))
    (folder / "deployment.zip").write_bytes(b"code")
    return deploy.Package("prod", folder / "sam.yaml", folder / "deployment.zip")


def test_a_stage_on_aws_is_released_guarded_and_tidied_up(world: World, tmp_path: Path) -> None:
    """In that order, and the question comes before the change."""
    aws = FakeAws("prod", ec2=Ec2("s3", "dynamodb"))
    deploy.deploy(aws, None, lambda _: world.done.append("asked"), packaged=packaged(tmp_path), HoldTtlSeconds="60")
    assert world.done == ["watched", "uploaded", "asked", "changed", "guarded", "pruned"]
    assert world.template["Resources"]["Sell"]["Properties"]["AutoPublishAlias"] == "live"
    told = {"HoldTtlSeconds": "60", "RunsOn": "aws", "DynamoDbPrefixList": "pl-1", "SagaKey": "key"}
    assert world.parameters == told  # the lock's URL stays what it is


def test_a_fix_goes_at_once(world: World, tmp_path: Path) -> None:
    """The alarms of what is broken would stop a canary before it begins."""
    deploy.deploy(FakeAws("prod", ec2=Ec2("dynamodb")), None, None, True, packaged=packaged(tmp_path))
    assert world.template["Resources"]["Sell"]["Properties"]["DeploymentPreference"] == {"Type": "AllAtOnce"}


def test_a_stage_on_localstack_keeps_plain_functions(world: World, tmp_path: Path) -> None:
    """Its API is put there by the deployment itself, and its mail server is told to accept."""
    mail = type("Ses", (), {"verify_email_identity": lambda _, **__: None})()
    aws = FakeAws("local", ses=mail)
    object.__setattr__(aws, "gateway_url", "http://127.0.0.1:4566")
    deploy.deploy(aws, "redis://lock", packaged=packaged(tmp_path))
    assert world.done == ["watched", "kept", "uploaded", "changed", "put"]
    assert world.template == json.loads(json.dumps(TEMPLATE))
    told = {"LockUrl": "redis://lock", "RunsOn": "localstack", "SagaLogLevel": "OFF", "SagaKey": "key"}
    assert world.parameters == told


def test_a_region_without_dynamodbs_addresses_is_not_deployed_to(world: World, tmp_path: Path) -> None:
    """The network's rules could not name them. Nothing was uploaded by then."""
    with pytest.raises(DeployError, match=r"no prefix list com\.amazonaws\.eu-central-1\.dynamodb"):
        deploy.deploy(FakeAws("prod", ec2=Ec2("s3")), packaged=packaged(tmp_path))
    assert world.done == ["watched"]


def test_a_setting_that_the_template_does_not_know_changes_nothing(world: World, tmp_path: Path) -> None:
    """A slip of the pen is told before anything is uploaded."""
    with pytest.raises(DeployError, match="no parameter HoldTtl;"):
        deploy.deploy(FakeAws("prod"), packaged=packaged(tmp_path), HoldTtl="60")
    assert world.done == ["watched"]
