"""Seeding is repeatable: it adds what is missing and undoes nothing that customers did."""

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from leleka.seed import SeedError, seed
from leleka.seed.data import load_schedule
from leleka.stage import Aws, Stage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TODAY = date(2026, 11, 23)
A_YEAR_LATER = date(2027, 11, 23)
KEY_12A: dict[str, Any] = {"flight_id": {"S": "KBP-BCN-0615"}, "seat": {"S": "12A"}}


@pytest.fixture
def stage(dynamodb: "DynamoDBClient") -> Stage:
    """A stage whose tables are empty."""
    dynamodb.create_table(
        TableName="flights",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "flight_id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "flight_id", "KeyType": "HASH"}],
    )
    tables = {"FlightsTable": "flights", "SeatsTable": "seats", "BaggageQuotaTable": "quota", "FaresTable": "fares"}
    return Stage("test", "http://api", "saga", "redis://lock", tables, {}, Aws("test"))


@pytest.fixture(autouse=True)
def small_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """One flight number on two days, and the stage's own client in the region of the tables."""
    schedule = load_schedule()
    service = msgspec.structs.replace(schedule.flights[0], days=["0615", "0622"])
    monkeypatch.setattr(
        "leleka.seed.writer.load_schedule", lambda: msgspec.structs.replace(schedule, flights=[service])
    )
    monkeypatch.setenv("AWS_REGION", "eu-central-1")


def test_an_empty_stage_gets_every_item(stage: Stage, dynamodb: "DynamoDBClient") -> None:
    """The report counts what stands in the tables."""
    report = seed(stage, TODAY)
    assert report.seats_added == report.seats == count(dynamodb, "seats")
    assert report.flights == count(dynamodb, "flights") == count(dynamodb, "quota")
    assert count(dynamodb, "fares") == 2 * report.flights


def test_seeding_again_adds_nothing(stage: Stage) -> None:
    """The second run finds all of it."""
    seed(stage, TODAY)
    assert seed(stage, TODAY).seats_added == 0


def test_seeding_again_keeps_a_held_seat_held(stage: Stage, dynamodb: "DynamoDBClient") -> None:
    """The hold and its fencing number belong to a booking."""
    seed(stage, TODAY)
    held = {**KEY_12A, "status": {"S": "HELD"}, "fencing_number": {"N": "7"}, "booking_id": {"S": "bk-1"}}
    dynamodb.put_item(TableName="seats", Item=held)
    seed(stage, TODAY)
    assert dynamodb.get_item(TableName="seats", Key=KEY_12A)["Item"] == held


def test_seeding_again_gives_no_taken_bag_back(stage: Stage, dynamodb: "DynamoDBClient") -> None:
    """The quota counts what is left, not what there was."""
    seed(stage, TODAY)
    dynamodb.put_item(TableName="quota", Item={"flight_id": {"S": "KBP-BCN-0615"}, "free": {"N": "3"}})
    seed(stage, TODAY)
    found = dynamodb.get_item(TableName="quota", Key={"flight_id": {"S": "KBP-BCN-0615"}})["Item"]
    assert found["free"] == {"N": "3"}


def test_a_seat_that_a_flight_on_sale_lacks_is_added_alone(stage: Stage, dynamodb: "DynamoDBClient") -> None:
    """An interrupted or older seeding is completed."""
    seed(stage, TODAY)
    dynamodb.delete_item(TableName="seats", Key=KEY_12A)
    assert seed(stage, TODAY).seats_added == 1
    assert dynamodb.get_item(TableName="seats", Key=KEY_12A)["Item"]["status"] == {"S": "AVAILABLE"}


def test_a_flight_on_sale_keeps_its_date(stage: Stage, dynamodb: "DynamoDBClient") -> None:
    """Its passengers were sold that day, even if the same day of the next year is nearer by now."""
    seed(stage, TODAY)
    report = seed(stage, A_YEAR_LATER)
    found = dynamodb.get_item(TableName="flights", Key={"flight_id": {"S": "KBP-BCN-0615"}})["Item"]
    assert found["departs_local"] == {"S": "2027-06-15T10:40"}
    assert report.seats_added == 0


def test_a_flight_goes_on_sale_after_its_seats(stage: Stage) -> None:
    """Whoever finds the flight finds its seats, fares and quota; so the flights table is written last."""
    written: list[str] = []

    def record(params: dict[str, Any], **_: Any) -> None:
        written.extend([params["TableName"]] if "TableName" in params else params["RequestItems"])

    for operation in ("BatchWriteItem", "PutItem"):
        stage.dynamodb.meta.events.register(f"provide-client-params.dynamodb.{operation}", record)
    seed(stage, TODAY)
    assert written.index("flights") > max(at for at, table in enumerate(written) if table != "flights")


def test_items_that_dynamodb_did_not_take_are_sent_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """BatchWriteItem may answer with a part unprocessed, and that is no error."""
    client = stage.dynamodb
    real = client.batch_write_item
    refused: list[str] = []

    def half_hearted(**request: Any) -> Any:
        [(table, puts)] = request["RequestItems"].items()
        if table not in refused and len(puts) > 1:
            refused.append(table)
            real(RequestItems={table: puts[1:]})
            return {"UnprocessedItems": {table: puts[:1]}}
        return real(**request)

    monkeypatch.setattr(client, "batch_write_item", half_hearted)
    report = seed(stage, TODAY)
    assert refused
    assert count(client, "seats") == report.seats


def test_a_table_that_takes_nothing_is_an_error_after_some_attempts(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting has an end."""
    monkeypatch.setattr("leleka.seed.writer._BACKOFF_S", 0)
    monkeypatch.setattr(
        stage.dynamodb, "batch_write_item", lambda **request: {"UnprocessedItems": request["RequestItems"]}
    )
    with pytest.raises(SeedError, match="did not take 25 items"):
        seed(stage, TODAY)


def test_a_missing_table_is_one_error_that_names_the_stage(stage: Stage, dynamodb: "DynamoDBClient") -> None:
    """AWS's own error is kept as the cause."""
    dynamodb.delete_table(TableName="seats")
    with pytest.raises(SeedError, match="stage test") as failure:
        seed(stage, TODAY)
    assert isinstance(failure.value.__cause__, ClientError)


def count(client: "DynamoDBClient", table: str) -> int:
    pages = client.get_paginator("scan").paginate(TableName=table, Select="COUNT")
    return sum(page["Count"] for page in pages)
