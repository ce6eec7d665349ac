"""Bookings on moto's DynamoDB with its due index, and executions by hand, for the operator's commands."""

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.shared.dynamo import to_item
from leleka import stages_here
from leleka.stage import Aws, Stage
from tests.unit.saga_history import T0, History, StepFunctions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Runs = dict[str, tuple[str, History]]


@dataclass
class Orchestrator:
    """Step Functions with some executions, by name: status and history."""

    runs: Runs = field(default_factory=dict)
    started: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    class exceptions(StepFunctions.exceptions):  # noqa: N801 - as on a boto3 client
        """As on a boto3 client."""

        class ExecutionAlreadyExists(Exception):
            """As on a boto3 client."""

    def describe_execution(self, **request: Any) -> dict[str, Any]:
        """By name; the order of beginning is the order of the dictionary."""
        name = request["executionArn"].rpartition(":")[2]
        undoes = ":undo:" in request["executionArn"]
        key = f"undo:{name}" if undoes else name
        if key not in self.runs:
            raise self.exceptions.ExecutionDoesNotExist
        began = T0 + timedelta(minutes=list(self.runs).index(key))
        return {"status": self.runs[key][0], "startDate": began}

    def get_execution_history(self, **request: Any) -> dict[str, Any]:
        """As told."""
        name = request["executionArn"].rpartition(":")[2]
        key = f"undo:{name}" if ":undo:" in request["executionArn"] else name
        return StepFunctions(self.runs[key][1].events, step=1000).get_execution_history(**request)

    def start_execution(self, **request: Any) -> dict[str, Any]:
        """Noted; it runs from then on."""
        self.started.append(request)
        return {"startDate": datetime.now(UTC)}

    def stop_execution(self, **request: Any) -> None:
        """Noted."""
        self.stopped.append(request["executionArn"])


class Reconciler:
    """The reconciler, which settles whatever it is told of."""

    def __init__(self, orchestrator: Orchestrator) -> None:
        self._orchestrator = orchestrator
        self.settles = True

    def invoke(self, **request: Any) -> dict[str, Any]:
        """One settlement."""
        assert json.loads(request["Payload"])["execution_arn"] == self._orchestrator.stopped[-1]
        if self.settles:
            self._orchestrator.runs["undo:bk-1-settle-1"] = ("SUCCEEDED", History())
        return {"Payload": io.BytesIO(b"{}")}


@dataclass
class OperatorsWorld:
    """Bookings on moto, executions by hand."""

    dynamodb: "DynamoDBClient"
    sfn: Orchestrator
    reconciler: Reconciler

    def book(self, booking_id: str, status: str, *, due: bool = True, age_s: int = 60, **more: Any) -> None:
        """A booking as the service writes it."""
        row = {"booking_id": booking_id, "record_locator": booking_id.upper(), "status": status, "seat": "12A"}
        row |= {"flight_id": "KBP-BCN-0615", "lock_id": "a-secret", "passenger_name": "Olena"}
        index: dict[str, Any] = {"due_shard": str(age_s % 4), "due_at_s": 10_000_000 - age_s} if due else {}
        times = {"created_at_s": 1_000_000 - age_s}
        self.dynamodb.put_item(TableName="due-bookings", Item=to_item({**row, **index, **times, **more}))
        locator = {"record_locator": row["record_locator"], "booking_id": booking_id}
        self.dynamodb.put_item(TableName="locators", Item=to_item(locator))


@pytest.fixture
def operators_world(dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> OperatorsWorld:
    """A stage without bookings, at the second 1,000,000."""
    key: Any = {"AttributeName": "booking_id", "AttributeType": "S"}
    shard: Any = {"AttributeName": "due_shard", "AttributeType": "S"}
    at: Any = {"AttributeName": "due_at_s", "AttributeType": "N"}
    dynamodb.create_table(
        TableName="due-bookings",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[key, shard, at],
        KeySchema=[{"AttributeName": "booking_id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "due_shard", "KeyType": "HASH"},
                    {"AttributeName": "due_at_s", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    sfn = Orchestrator()
    made = OperatorsWorld(dynamodb, sfn, Reconciler(sfn))
    clients = {"dynamodb": dynamodb, "stepfunctions": sfn, "lambda": made.reconciler}

    class FakeAws(Aws):
        def client(self, service: str) -> Any:
            return clients[service]

    stage = Stage(
        name="local",
        api_url="",
        saga_arn="arn:stateMachine:saga",
        lock_url="",
        tables={"BookingsTable": "due-bookings", "LocatorsTable": "locators"},
        outputs={"CancellationSagaArn": "arn:stateMachine:undo", "Reconcile": "reconcile"},
        aws=FakeAws("local", "http://127.0.0.1:4566"),
    )
    monkeypatch.setattr(stages_here, "load", lambda _name: stage)
    monkeypatch.setattr("leleka.cli_ops.time.time", lambda: 1_000_000.0)
    return made
