"""The index ``due`` of the template, for tables of moto."""

from typing import TYPE_CHECKING

from chalicelib.shared.due import INDEX

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def add_due_indexes(client: "DynamoDBClient") -> None:
    """Gives the three tables that have one in the template their index."""
    for table, state in (("bookings", "status"), ("seat-ledger", "state"), ("payments", "state")):
        client.update_table(
            TableName=table,
            AttributeDefinitions=[
                {"AttributeName": "booking_id", "AttributeType": "S"},
                {"AttributeName": "due_shard", "AttributeType": "S"},
                {"AttributeName": "due_at_s", "AttributeType": "N"},
            ],
            GlobalSecondaryIndexUpdates=[
                {
                    "Create": {
                        "IndexName": INDEX,
                        "KeySchema": [
                            {"AttributeName": "due_shard", "KeyType": "HASH"},
                            {"AttributeName": "due_at_s", "KeyType": "RANGE"},
                        ],
                        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": [state]},
                    }
                }
            ],
        )
