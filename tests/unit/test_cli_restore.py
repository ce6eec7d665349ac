"""A table that has lost rows gets them back from a copy of itself, and nothing else is touched."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.shared.dynamo import from_item, to_item
from leleka import restore, stages_here
from leleka.stage import Aws, Stage
from tests.unit.cli_world import run

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW_S = 1_000_000.0
COPY = "seats-at-earlier"


@pytest.fixture
def seats(dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> "DynamoDBClient":
    """A stage whose table SeatsTable is ``cabin``, with seats 1A and 1B, and a copy of it with the same."""
    names: Any = [{"AttributeName": name, "AttributeType": "S"} for name in ("flight", "place")]
    keys: Any = [{"AttributeName": "flight", "KeyType": "HASH"}, {"AttributeName": "place", "KeyType": "RANGE"}]
    for table in ("cabin", COPY):
        dynamodb.create_table(
            TableName=table, BillingMode="PAY_PER_REQUEST", AttributeDefinitions=names, KeySchema=keys
        )
        for place in ("1A", "1B"):
            put(dynamodb, table, place)

    class FakeAws(Aws):
        def client(self, service: str) -> Any:
            assert service == "dynamodb"
            return dynamodb

    stage = Stage("local", "", "", "", tables={"SeatsTable": "cabin"}, outputs={}, aws=FakeAws("local"))
    monkeypatch.setattr(stages_here, "load", lambda _name: stage)
    monkeypatch.setattr("leleka.cli_restore.time.time", lambda: NOW_S)
    return dynamodb


def put(dynamodb: "DynamoDBClient", table: str, place: str, status: str = "SOLD", **more: Any) -> None:
    """A seat of flight F."""
    dynamodb.put_item(TableName=table, Item=to_item({"flight": "F", "place": place, "status": status, **more}))


def places(dynamodb: "DynamoDBClient") -> dict[str, str]:
    """The seats of the stage, with their status."""
    return {row["place"]: row["status"] for row in map(from_item, dynamodb.scan(TableName="cabin")["Items"])}


def drop(dynamodb: "DynamoDBClient", place: str) -> None:
    """The stage loses a seat."""
    dynamodb.delete_item(TableName="cabin", Key=to_item({"flight": "F", "place": place}))


def test_a_look_tells_what_is_missing_and_writes_nothing(seats: "DynamoDBClient") -> None:
    """Its key stands in the answer, and the way to give it back."""
    drop(seats, "1A")
    result = run("ops", "restore", "SeatsTable", "--from", COPY)
    assert result.exit_code == 0, result.output
    assert f"2 rows in {COPY}; cabin lacks 1, and 0 differ" in result.stdout
    assert "lacks: flight F, place 1A" in result.stdout
    assert f"--from {COPY} --write" in result.stderr
    assert places(seats) == {"1B": "SOLD"}


def test_missing_rows_are_given_back_and_newer_ones_are_left(seats: "DynamoDBClient") -> None:
    """A row that is there wins over its copy, also when it appears in the very moment of the write."""
    drop(seats, "1A")
    put(seats, "cabin", "1B", "AVAILABLE")
    lost = json.loads(run("ops", "restore", "SeatsTable", "--from", COPY, "--write", "--json").stdout)
    assert (lost["missing"], lost["written"], lost["differing"]) == (1, 1, 1)
    assert lost["differing_keys"] == [{"flight": "F", "place": "1B"}]
    assert places(seats) == {"1A": "SOLD", "1B": "AVAILABLE"}


def test_a_row_that_comes_back_by_itself_is_not_overwritten(seats: "DynamoDBClient") -> None:
    """The write is conditional: between the look and the write a customer took the seat again."""
    drop(seats, "1A")

    def comes_back(model: Any, **_: Any) -> None:
        if model.name == "PutItem":
            seats.meta.events.unregister("before-call.dynamodb", comes_back)
            put(seats, "cabin", "1A", "HELD")

    seats.meta.events.register("before-call.dynamodb", comes_back)
    lost = json.loads(run("ops", "restore", "SeatsTable", "--from", COPY, "--write", "--json").stdout)
    assert (lost["missing"], lost["written"]) == (1, 0)
    assert places(seats)["1A"] == "HELD"


def test_a_row_whose_time_to_live_is_over_is_not_missed(seats: "DynamoDBClient") -> None:
    """DynamoDB took it away on purpose."""
    put(seats, COPY, "2A", expires_at_s=int(NOW_S))
    put(seats, COPY, "2B", expires_at_s=int(NOW_S) + 1)
    lost = json.loads(run("ops", "restore", "SeatsTable", "--from", COPY, "--json").stdout)
    assert lost["missing_keys"] == [{"flight": "F", "place": "2B"}]


def test_every_page_of_a_large_table_is_compared(seats: "DynamoDBClient") -> None:
    """More rows than one request takes; of the keys only the first are told."""
    for number in range(restore.KEYS_MAX + 80):
        put(seats, COPY, f"3{number:04d}")
    lost = json.loads(run("ops", "restore", "SeatsTable", "--from", COPY, "--write", "--json").stdout)
    assert (lost["rows"], lost["missing"], lost["written"]) == (132, 130, 130)
    assert len(lost["missing_keys"]) == restore.KEYS_MAX
    again = json.loads(run("ops", "restore", "SeatsTable", "--from", COPY, "--write", "--json").stdout)
    assert (again["missing"], again["written"]) == (0, 0)


def test_a_busy_table_is_asked_again_but_not_for_ever(seats: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> None:
    """What DynamoDB did not process is never taken for a missing row."""
    pauses: list[float] = []
    monkeypatch.setattr("leleka.restore.time.sleep", pauses.append)

    def unprocessed(parsed: Any, model: Any, **_: Any) -> None:
        if model.name == "BatchGetItem":
            parsed["UnprocessedKeys"] = {"cabin": {"Keys": [to_item({"flight": "F", "place": "1A"})]}}

    seats.meta.events.register("after-call.dynamodb", unprocessed)
    result = run("ops", "restore", "SeatsTable", "--from", COPY, "--write")
    assert result.exit_code == 1
    assert "did not give all rows in 8 attempts" in result.stderr
    assert (len(pauses), pauses[0], max(pauses) < 10) == (8, 0, True)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("SeatTable", "--from", COPY), "stage local has no SeatTable; it has SeatsTable"),
        (("SeatsTable", "--from", "nothing"), "ResourceNotFoundException"),
        (("SeatsTable", "--at", "yesterday"), "yesterday is no instant; write it as 2026-11-26T09:30Z"),
        (("SeatsTable", "--at", "2026-11-26T09:30"), "has no time zone"),
        (("SeatsTable", "--at", "2026-11-26T09:30Z", "--from", COPY), "give one of the two"),
    ],
)
def test_a_wrong_command_changes_nothing_and_says_why(
    seats: "DynamoDBClient", arguments: tuple[str, ...], complaint: str
) -> None:
    """One line, exit code 1."""
    result = run("ops", "restore", *arguments)
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert places(seats) == {"1A": "SOLD", "1B": "SOLD"}
