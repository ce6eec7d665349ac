"""Deploys a stage: Chalice packages, CloudFormation does the rest. The same steps for LocalStack and for AWS."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from leleka import local_api
from leleka import stage as stages
from leleka.paths import PROJECT
from leleka.stage import LOCAL, REGION, Aws, Stage

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

_SAGAS = {"SagaKey": "booking_saga.asl.json", "CancellationSagaKey": "cancellation_saga.asl.json"}
_MERGE_TEMPLATE = PROJECT / "infra" / "template.yaml"
_PACKAGE_TIMEOUT_S = 300
_STACK_TIMEOUT_S = 1800
_POLL_S = {LOCAL: 0.5}
_POLL_AWS_S = 5.0


class DeployError(Exception):
    """The stage was not deployed, or only in part; the message says where it stopped and what CloudFormation said."""


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
        *("--project-dir", str(PROJECT / "functions"), "package", "--stage", stage),
        *("--merge-template", str(_MERGE_TEMPLATE), str(out)),
    ]
    environment = {"AWS_DEFAULT_REGION": REGION, **os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command, capture_output=True, text=True, timeout=_PACKAGE_TIMEOUT_S, env=environment, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DeployError(f"chalice package did not end within {_PACKAGE_TIMEOUT_S} s") from error
    template = out / "sam.yaml"
    if done.returncode or not template.exists():
        raise DeployError(f"chalice package failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    return Package(stage, template, out / "deployment.zip")


def deploy(aws: Aws, lock_url: str, *, packaged: Package | None = None, **settings: str) -> Stage:
    """Creates or updates the stage's stack and returns the stage.

    Args:
        aws: where to.
        lock_url: the Redis-compatible server of the stage.
        packaged: the result of :func:`package`, if it was made already.
        settings: parameters of the template by name, such as ``HoldTtlSeconds="20"``; those not given stay as the
            stack has them.

    Raises:
        DeployError: nothing or only a part was changed; CloudFormation rolls a failed change back.
    """
    packaged = packaged or package(aws.stage)
    try:
        parameters = {"LockUrl": lock_url, **settings}
        template = yaml.safe_load(packaged.template.read_text())
        known = set(template["Parameters"])
        unknown = settings.keys() - known
        if unknown:
            raise DeployError(f"the template has no parameter {', '.join(sorted(unknown))}; nothing was changed")
        name = stages.stack_name(aws.stage)
        definition = local_api.keep(aws, name, template) if aws.stage == LOCAL else None
        template_url = _upload(aws, packaged.code, template, parameters)
        _apply(aws, template_url, parameters, known)
        shutil.rmtree(packaged.code.parent, ignore_errors=True)
        if definition is not None:
            local_api.put(aws, name, definition)
            # LocalStack's mail server accepts what it has been told to accept; on AWS the operator proves the domain.
            aws.client("ses").verify_email_identity(EmailAddress="bookings@leleka.example")
    except (BotoCoreError, ClientError) as error:
        raise DeployError(f"stage {aws.stage} was not deployed: {error}") from error
    return stages.load(aws)


def _upload(aws: Aws, code: Path, template: dict[str, Any], parameters: dict[str, str]) -> str:
    """Puts code, saga and template into the artifact bucket under names that carry their content's hash."""
    account = aws.client("sts").get_caller_identity()["Account"]
    s3 = aws.client("s3")
    region = s3.meta.region_name
    bucket = f"leleka-artifacts-{account}-{region}"
    _ensure_bucket(s3, bucket, region)
    code_key = _put(s3, bucket, code.read_bytes(), "zip")
    parameters["ArtifactBucket"] = bucket
    for parameter, name in _SAGAS.items():
        parameters[parameter] = _put(s3, bucket, (PROJECT / "statemachine" / name).read_bytes(), "asl.json")
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": code_key}
    key = _put(s3, bucket, json.dumps(template, sort_keys=True).encode(), "template.json")
    base = aws.gateway_url or f"https://s3.{region}.amazonaws.com"
    return f"{base}/{bucket}/{key}"


def _ensure_bucket(s3: Any, bucket: str, region: str) -> None:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        # S3 takes no location for its oldest region.
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **where)
        s3.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )


def _put(s3: Any, bucket: str, content: bytes, suffix: str) -> str:
    key = f"{hashlib.sha256(content).hexdigest()[:32]}.{suffix}"
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    return key


def _apply(aws: Aws, template_url: str, parameters: dict[str, str], known: set[str]) -> None:
    """One change set, executed; no change is a success. ``known`` are the parameters that the template has."""
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    name = stages.stack_name(aws.stage)
    exists = _exists(cloudformation, name)
    change_set = f"deploy-{uuid.uuid4().hex[:16]}"
    given: list[ParameterTypeDef] = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())
    ]
    # What is not given stays as the stack has it: a deployment must not turn a stage's payments back into play money.
    kept = _parameters_of(cloudformation, name) - parameters.keys() if exists else set()
    given += [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept & known)]
    poll_s = _POLL_S.get(aws.stage, _POLL_AWS_S)
    waiting: Any = {"Delay": poll_s, "MaxAttempts": int(_STACK_TIMEOUT_S / poll_s)}
    cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=change_set,
        ChangeSetType="UPDATE" if exists else "CREATE",
        TemplateURL=template_url,
        Parameters=given,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            StackName=name, ChangeSetName=change_set, WaiterConfig=waiting
        )
    except WaiterError as error:
        if _has_no_changes(cloudformation, name, change_set):
            cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set)
            return
        raise DeployError(f"CloudFormation refused the change of {name}: {_why(cloudformation, name)}") from error
    if _has_no_changes(cloudformation, name, change_set):  # LocalStack calls an empty change set complete
        cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set)
        return
    cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
    waiter = cloudformation.get_waiter("stack_update_complete" if exists else "stack_create_complete")
    try:
        waiter.wait(StackName=name, WaiterConfig=waiting)
    except WaiterError as error:
        raise DeployError(f"CloudFormation could not change {name}: {_why(cloudformation, name)}") from error


def _exists(cloudformation: "CloudFormationClient", name: str) -> bool:
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError:
        return False
    status = stacks[0]["StackStatus"]
    if status == "ROLLBACK_COMPLETE":
        raise DeployError(f"stack {name} is what a failed first deployment left; delete it, then deploy again")
    return status != "REVIEW_IN_PROGRESS"


def _parameters_of(cloudformation: "CloudFormationClient", name: str) -> set[str]:
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {parameter["ParameterKey"] for parameter in stack.get("Parameters", [])}


def _has_no_changes(cloudformation: "CloudFormationClient", name: str, change_set: str) -> bool:
    described = cloudformation.describe_change_set(StackName=name, ChangeSetName=change_set)
    reason = described.get("StatusReason", "")
    said_so = "didn't contain changes" in reason or "No updates are to be performed" in reason
    return said_so or (described["Status"] == "CREATE_COMPLETE" and not described.get("Changes"))


def _why(cloudformation: "CloudFormationClient", name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in events if event.get("ResourceStatus", "").endswith("FAILED")]
    reasons = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}" for event in failed
    ]
    return "; ".join(reasons[:5]) or "no failed resource is listed"
