"""moto's DynamoDB with the tables of the template, one fresh set a test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from tests.fakes import FakeClock, FakeLock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLES = {
    "bookings": ("booking_id",),
    "locators": ("record_locator",),
    "hold-limits": ("holder",),
    "seats": ("flight_id", "seat"),
    "seat-ledger": ("booking_id",),
    "quota": ("flight_id",),
    "baggage-ledger": ("booking_id",),
    "payments": ("booking_id",),
    "gateway": ("booking_id",),
    "notifications": ("booking_id", "kind"),
    "fares": ("flight_id", "cabin"),
}


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator["DynamoDBClient"]:
    """A client of empty tables."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1")
        for table, keys in TABLES.items():
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                KeySchema=[{"AttributeName": key, "KeyType": "HASH" if key == keys[0] else "RANGE"} for key in keys],
            )
        yield client


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until told."""
    return FakeClock()


@pytest.fixture
def lock() -> FakeLock:
    """A lock in memory."""
    return FakeLock()
