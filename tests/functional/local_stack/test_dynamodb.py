"""DynamoDB in the local stack keeps the promises that the saga builds on."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from leleka.stage import Aws
from tests.functional.local_stack.functions import dynamodb_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.stack
_WRITERS = 16
_KEYS = 100


@pytest.fixture(scope="module")
def dynamodb(probe_aws: Aws) -> "DynamoDBClient":
    """The client."""
    return dynamodb_of(probe_aws)


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> str:
    """A new table with the key "id"."""
    name = f"probe-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def _race(dynamodb: "DynamoDBClient", write: Callable[[int, int], object]) -> list[int]:
    """All writers try all keys at once; returns how many of them won each key."""
    errors = dynamodb.exceptions
    winners = [0] * _KEYS
    counting, together = threading.Lock(), threading.Barrier(_WRITERS)

    def run(writer: int) -> None:
        for key in range(_KEYS):
            together.wait(30)
            try:
                write(writer, key)
            except (errors.ConditionalCheckFailedException, errors.TransactionCanceledException):
                continue
            with counting:
                winners[key] += 1

    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(run, range(_WRITERS)))
    return winners


# Long, so that there is time for another writer between moto's look at an item and its write.
_CLAIM = {
    "UpdateExpression": "SET #o = :o, " + ", ".join(f"a{number} = :o" for number in range(10)),
    "ConditionExpression": "attribute_not_exists(#o)",
    "ExpressionAttributeNames": {"#o": "owner"},
}


def _claim(table: str, item_id: str, writer: int) -> Any:
    values = {":o": {"N": str(writer)}}
    return {"TableName": table, "Key": {"id": {"S": item_id}}, "ExpressionAttributeValues": values, **_CLAIM}


def test_a_conditional_write_has_one_winner(dynamodb: "DynamoDBClient", table: str) -> None:
    """16 writers race for 100 keys, and each key has exactly one winner."""
    winners = _race(dynamodb, lambda writer, key: dynamodb.update_item(**_claim(table, str(key), writer)))

    assert winners == [1] * _KEYS


def test_a_transaction_has_one_winner(dynamodb: "DynamoDBClient", table: str) -> None:
    """The same race for pairs of items: one winner each, and both items are the winner's."""
    winners = _race(
        dynamodb,
        lambda writer, key: dynamodb.transact_write_items(
            TransactItems=[{"Update": _claim(table, f"{key}{half}", writer)} for half in "ab"]
        ),
    )

    assert winners == [1] * _KEYS
    items = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
    owners = {item["id"]["S"]: item["owner"]["N"] for item in items}
    assert len(owners) == 2 * _KEYS
    assert all(owners[f"{key}a"] == owners[f"{key}b"] for key in range(_KEYS))


def test_a_cancelled_transaction_gives_a_reason_for_each_item(dynamodb: "DynamoDBClient", table: str) -> None:
    """In order, "None" for those that were fine, with the old item where it was asked for; and nothing is written."""
    old = {"id": {"S": "held"}, "owner": {"S": "other"}}
    dynamodb.put_item(TableName=table, Item=old)

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": {"id": {"S": "new"}}}},
                {
                    "Update": {
                        "TableName": table,
                        "Key": {"id": {"S": "held"}},
                        "UpdateExpression": "SET #o = :me",
                        "ConditionExpression": "#o = :me",
                        "ExpressionAttributeNames": {"#o": "owner"},
                        "ExpressionAttributeValues": {":me": {"S": "me"}},
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
                {
                    "ConditionCheck": {
                        "TableName": table,
                        "Key": {"id": {"S": "absent"}},
                        "ConditionExpression": "attribute_exists(id)",
                    }
                },
            ]
        )

    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed", "ConditionalCheckFailed"]
    assert reasons[1]["Item"] == old
    assert "Item" not in reasons[2]
    assert dynamodb.scan(TableName=table)["Items"] == [old]


def test_a_transaction_with_an_impossible_update_writes_nothing(dynamodb: "DynamoDBClient", table: str) -> None:
    """An operation that fails after others were carried out takes them back."""
    old = {"id": {"S": "text"}, "words": {"S": "x"}}
    dynamodb.put_item(TableName=table, Item=old)

    with pytest.raises(ClientError):
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": {"id": {"S": "new"}}}},
                {
                    "Update": {
                        "TableName": table,
                        "Key": {"id": {"S": "text"}},
                        "UpdateExpression": "SET more = :n ADD words :n",
                        "ExpressionAttributeValues": {":n": {"N": "1"}},
                    }
                },
            ]
        )

    assert dynamodb.scan(TableName=table)["Items"] == [old]


def test_an_impossible_update_changes_nothing(dynamodb: "DynamoDBClient", table: str) -> None:
    """Not even the half of it that was possible, nor does it leave an empty new item."""
    with pytest.raises(ClientError):
        dynamodb.update_item(
            TableName=table,
            Key={"id": {"S": "new"}},
            UpdateExpression="SET more = :x ADD words :x",
            ExpressionAttributeValues={":x": {"S": "x"}},
        )

    assert dynamodb.scan(TableName=table)["Items"] == []


def test_a_transaction_sent_again_with_its_token_is_carried_out_once(dynamodb: "DynamoDBClient", table: str) -> None:
    """What botocore does when a reply is lost must not count twice."""
    for _ in range(2):
        dynamodb.transact_write_items(
            ClientRequestToken=f"once-{table}",
            TransactItems=[
                {
                    "Update": {
                        "TableName": table,
                        "Key": {"id": {"S": "quota"}},
                        "UpdateExpression": "ADD used :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}},
                    }
                }
            ],
        )

    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "quota"}})["Item"]["used"] == {"N": "1"}


def test_cloudformation_makes_a_table_as_described(probe_aws: Aws, dynamodb: "DynamoDBClient") -> None:
    """Index, time to live, encryption and tags of a template are there afterwards."""
    name = f"probe-{uuid.uuid4().hex[:8]}"
    template = f"""
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: {name}
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{{AttributeName: id, KeyType: HASH}}]
      AttributeDefinitions:
        - {{AttributeName: id, AttributeType: S}}
        - {{AttributeName: route, AttributeType: S}}
      GlobalSecondaryIndexes:
        - IndexName: by-route
          KeySchema: [{{AttributeName: route, KeyType: HASH}}]
          Projection: {{ProjectionType: ALL}}
      TimeToLiveSpecification: {{AttributeName: expires_at_s, Enabled: true}}
      SSESpecification: {{SSEEnabled: true}}
      Tags: [{{Key: owner, Value: leleka}}]
"""
    cloudformation = probe_aws.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=template)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})

    described = dynamodb.describe_table(TableName=name)["Table"]
    assert [index["IndexName"] for index in described["GlobalSecondaryIndexes"]] == ["by-route"]
    assert described["SSEDescription"]["Status"] == "ENABLED"
    lifetime = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert lifetime == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at_s"}
    tags = dynamodb.list_tags_of_resource(ResourceArn=described["TableArn"])["Tags"]
    assert {"Key": "owner", "Value": "leleka"} in tags
