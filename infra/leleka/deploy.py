"""Deploys a stage: Chalice packages, CloudFormation does the rest. The same steps and the same template for LocalStack
and for AWS; an AWS stage's functions are published besides, see :mod:`leleka.release`."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError

from leleka import chalice_deploys, code_zip, local_api, protection, release, versions
from leleka import stage as stages
from leleka.artifacts import Artifacts
from leleka.chalice_deploys import ChaliceDeploysError
from leleka.change_sets import Approve, DeployError, Stack
from leleka.code_zip import NotCompiledError
from leleka.paths import PROJECT
from leleka.stage import LOCAL, REGION, Aws, Stage
from leleka.watched import watch

__all__ = ["DeployError", "Package", "deploy", "package"]

_MERGE_TEMPLATE = PROJECT / "infra" / "template.yaml"
_PACKAGE_TIMEOUT_S = 300
_CHALICE_STAGE = {LOCAL: "stack"}
"""Chalice's own stage ``local`` is for ``chalice deploy`` on top of a local stage and makes no roles; this one does."""
_ON_LOCALSTACK = {"RunsOn": "localstack", "SagaLogLevel": "OFF"}
"""Its CloudFormation can't set up the logging of a state machine."""


@dataclass(frozen=True)
class Package:
    """What Chalice made: the template and the one zip that all functions share."""

    stage: str
    template: Path
    code: Path


def package(stage: str) -> Package:
    """Packages the functions into a folder of their own. Needs no AWS, so it can run while a stack starts.

    Raises:
        DeployError: Chalice could not package; its last lines are in the message.
    """
    build = PROJECT / ".leleka" / "build"
    build.mkdir(parents=True, exist_ok=True)
    out = Path(tempfile.mkdtemp(prefix=f"{stage}-", dir=build))
    command = [
        str(Path(sys.executable).with_name("chalice")),
        *("--project-dir", str(PROJECT / "functions"), "package"),
        *("--stage", _CHALICE_STAGE.get(stage, stage)),
        *("--merge-template", str(_MERGE_TEMPLATE), str(out)),
    ]
    environment = {"AWS_DEFAULT_REGION": REGION, **os.environ, "PIP_NO_DEPS": "1"}  # requirements.txt is complete
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command, capture_output=True, text=True, timeout=_PACKAGE_TIMEOUT_S, env=environment, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DeployError(f"chalice package did not end within {_PACKAGE_TIMEOUT_S} s") from error
    template = out / "sam.yaml"
    if done.returncode or not template.exists():
        raise DeployError(f"chalice package failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    code = out / "deployment.zip"
    try:
        code.write_bytes(code_zip.kept(code.read_bytes(), build / "zips"))
    except NotCompiledError as error:
        raise DeployError(f"stage {stage} was not packaged: {error}") from error
    return Package(stage, template, code)


def deploy(
    aws: Aws,
    lock_url: str | None = None,
    approve: Approve | None = None,
    at_once: bool = False,  # by position: the keywords are the template's parameters
    /,
    *,
    packaged: Package | None = None,
    **settings: str,
) -> Stage:
    """Creates or updates the stage's stack and returns the stage.

    Args:
        aws: where to.
        lock_url: the Redis-compatible server of the stage; empty for a cache of the stage's own, which AWS has; None
            leaves it as it is.
        approve: sees the changes before they are carried out, and raises an error to drop them.
        at_once: without a canary, whatever the alarms say; for the fix of what is broken.
        packaged: the result of :func:`package`, if it was made already.
        settings: parameters of the template by name, such as ``HoldTtlSeconds="20"``; those not given stay as the
            stack has them.

    Raises:
        DeployError: nothing or only a part was changed; CloudFormation rolls a failed change back.
        StageError: there can be no stage of that name.
    """
    stages.stack_name(aws.stage)  # a name that can't be a stage's is told before anything is done
    packaged = packaged or package(aws.stage)
    try:
        given = settings if lock_url is None else {"LockUrl": lock_url, **settings}
        _deploy(aws, packaged, given, approve, at_once=at_once)
        shutil.rmtree(packaged.code.parent, ignore_errors=True)
    except (BotoCoreError, ClientError, ChaliceDeploysError) as error:
        raise DeployError(f"stage {aws.stage} was not deployed: {error}") from error
    return stages.load(aws)


def _deploy(aws: Aws, packaged: Package, settings: dict[str, str], approve: Approve | None, *, at_once: bool) -> None:
    template = yaml.safe_load(packaged.template.read_text())
    watch(template)
    known = set(template["Parameters"])
    unknown = settings.keys() - known
    if unknown:
        raise DeployError(f"the template has no parameter {', '.join(sorted(unknown))}; nothing was changed")
    stack = Stack(aws)
    if aws.on_localstack:
        definition = local_api.keep(aws, stack.name, template)
        if aws.stage == LOCAL:
            chalice_deploys.take_back(aws, template)
        _apply(aws, stack, packaged, template, {**_ON_LOCALSTACK, **settings}, approve)
        local_api.put(aws, stack.name, definition)
        # LocalStack's mail server accepts what it has been told to accept; on AWS the operator proves the domain.
        aws.client("ses").verify_email_identity(EmailAddress="bookings@leleka.example")
        return
    parameters = {**settings, "RunsOn": "aws", "DynamoDbPrefixList": _prefix_list(aws)}
    with protection.lifted_as_approved(aws, approve) as asked:
        _apply(aws, stack, packaged, release.released(template, at_once=at_once), parameters, asked)
    versions.prune(aws)


def _apply(
    aws: Aws,
    stack: Stack,
    packaged: Package,
    template: dict[str, Any],
    parameters: dict[str, str],
    approve: Approve | None,
) -> None:
    url, keys = Artifacts(aws).upload(packaged.code.read_bytes(), template)
    stack.change(url, {**parameters, **keys}, set(template["Parameters"]), approve)


def _prefix_list(aws: Aws) -> str:
    """The addresses of DynamoDB in the region, as the network's rules name them."""
    ec2 = aws.client("ec2")
    name = f"com.amazonaws.{ec2.meta.region_name}.dynamodb"
    found = ec2.describe_managed_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": [name]}])["PrefixLists"]
    if not found:
        raise DeployError(f"EC2 knows no prefix list {name}; nothing was changed")
    return str(found[0]["PrefixListId"])
