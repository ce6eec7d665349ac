"""Makes and invokes functions in a local stack."""

import base64
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leleka.stack import RunningStack
from leleka.stage import Aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient

PROBE = Path(__file__).with_name("probe.py").read_text()
_WAIT_S = 20.0


@dataclass(frozen=True)
class Reply:
    """What an invocation brought."""

    failed: bool
    payload: Any
    log: str
    request_id: str


@dataclass(frozen=True)
class Function:
    """A function in LocalStack."""

    name: str
    client: "LambdaClient"

    def invoke(self, do: str = "pid", **event: Any) -> Reply:
        """Invokes it and waits for the reply."""
        answer = self.client.invoke(
            FunctionName=self.name, Payload=json.dumps({"do": do, **event}).encode(), LogType="Tail"
        )
        return Reply(
            failed="FunctionError" in answer,
            payload=json.loads(answer["Payload"].read()),
            log=base64.b64decode(answer["LogResult"]).decode(),
            request_id=answer["ResponseMetadata"]["RequestId"],
        )


def make_function(
    aws: Aws, source: str = PROBE, *, timeout_s: int = 10, environment: dict[str, str] | None = None
) -> Function:
    """A new function with this source, ready to be invoked."""
    client: LambdaClient = aws.client("lambda")
    name = f"probe-{uuid.uuid4().hex[:8]}"
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/probe",
        Handler="probe.handler",
        Code={"ZipFile": zipped(source)},
        Timeout=timeout_s,
        Environment={"Variables": environment or {}},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    return Function(name, client)


def zipped(source: str) -> bytes:
    """A deployment package with one module; the same source makes the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr(zipfile.ZipInfo("probe.py"), source)
    return content.getvalue()


def aws_of(running: RunningStack) -> Aws:
    """The AWS of a running stack."""
    return Aws("local", running.gateway_url)


def dynamodb_of(aws: Aws) -> "DynamoDBClient":
    """Its DynamoDB."""
    client: DynamoDBClient = aws.client("dynamodb")
    return client


def logged(aws: Aws, function: Function) -> str:
    """All that CloudWatch has of the function so far."""
    client: CloudWatchLogsClient = aws.client("logs")
    try:
        events = client.filter_log_events(logGroupName=f"/aws/lambda/{function.name}")["events"]
    except client.exceptions.ResourceNotFoundException:
        return ""
    return "".join(event["message"] for event in events)


def eventually[T](probe: Callable[[], T | None], timeout_s: float = _WAIT_S) -> T:
    """The first result of the probe that is true. For what has no event to wait for."""
    until_s = time.monotonic() + timeout_s
    while not (result := probe()):
        assert time.monotonic() < until_s, f"it did not come about within {timeout_s} s"
        time.sleep(0.02)
    return result
