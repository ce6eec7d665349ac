"""A deployed stage as its tools see it: where its API, saga and tables are, and how to reach its AWS."""

import functools
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import localstack_client.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_stepfunctions import SFNClient

LOCAL = "local"
REGION = "eu-central-1"
_NAME = re.compile(r"[a-z][a-z0-9]{0,19}")  # without a dash, so that no stage's name begins another's
_TIMEOUTS = Config(
    connect_timeout=3,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=64,
    inject_host_prefix=False,  # LocalStack serves no host prefixes
)


class StageError(Exception):
    """The stage can't be used; the message says what is missing and which command makes it."""


@dataclass(frozen=True)
class Aws:
    """The AWS of a stage: LocalStack at ``gateway_url`` for the stage ``local``, the real one otherwise.

    Attributes:
        lock_url_here: the lock's server as this machine reaches it, if functions reach it by another URL.
    """

    stage: str
    gateway_url: str | None = None
    lock_url_here: str | None = None

    @property
    def on_localstack(self) -> bool:
        """Whether this is LocalStack's AWS."""
        return self.gateway_url is not None

    @functools.cached_property
    def _session(self) -> Any:
        if self.gateway_url is None:
            return boto3.session.Session(region_name=os.environ.get("AWS_REGION"))
        host = self.gateway_url.removeprefix("http://")
        return localstack_client.session.Session(localstack_host=host, region_name=REGION)

    def client(self, service: str) -> Any:
        """A boto3 client of this stage's AWS, with its time-outs set."""
        return self._session.client(service, config=_TIMEOUTS)


@dataclass(frozen=True)
class Stage:
    """A deployed stage. ``tables`` are table names by their logical name, such as ``SeatsTable``; ``lock_url`` is what
    functions are told."""

    name: str
    api_url: str
    saga_arn: str
    lock_url: str
    tables: dict[str, str]
    outputs: dict[str, str]
    aws: Aws = field(repr=False)

    @property
    def lock_url_here(self) -> str:
        """The lock's server for what runs on this machine and is no function."""
        return self.aws.lock_url_here or self.lock_url

    @property
    def page_url(self) -> str:
        """Where a customer's browser goes."""
        return f"{self.api_url}/"

    @functools.cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The client of its tables."""
        client: DynamoDBClient = self.aws.client("dynamodb")
        return client

    @functools.cached_property
    def orchestrator(self) -> "SFNClient":
        """The client of its state machine."""
        client: SFNClient = self.aws.client("stepfunctions")
        return client


def stack_name(stage: str) -> str:
    """The CloudFormation stack of a stage.

    Raises:
        StageError: this can't be a stage's name.
    """
    if not _NAME.fullmatch(stage):
        raise StageError(f"{stage!r} is no stage's name: a small letter, then at most 19 small letters and digits")
    return f"leleka-{stage}"


def load(aws: Aws) -> Stage:
    """Reads the stage from its CloudFormation stack.

    Raises:
        StageError: it is not deployed, or its AWS does not answer.
    """
    name = stack_name(aws.stage)
    try:
        described = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        raise StageError(f"stage {aws.stage} is not deployed ({error}); run: leleka deploy") from error
    except BotoCoreError as error:
        raise StageError(f"the AWS of stage {aws.stage} does not answer ({error})") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    missing = {"RestAPIId", "SagaArn", "LockUrl"} - outputs.keys()
    if missing:
        raise StageError(f"stack {name} is {described['StackStatus']} and has no output {', '.join(sorted(missing))}")
    return Stage(
        name=aws.stage,
        api_url=_api_url(aws, outputs),
        saga_arn=outputs["SagaArn"],
        lock_url=outputs["LockUrl"],
        tables={key: value for key, value in outputs.items() if key.endswith("Table")},
        outputs=outputs,
        aws=aws,
    )


def _api_url(aws: Aws, outputs: dict[str, str]) -> str:
    if not aws.on_localstack:
        return outputs["EndpointURL"].rstrip("/")
    return f"{aws.gateway_url}/_aws/execute-api/{outputs['RestAPIId']}/api"
