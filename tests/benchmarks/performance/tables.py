"""The template's tables, made where a benchmark wants them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.templates import merge_template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SHAPE = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


def create_tables(client: "DynamoDBClient", names: Mapping[str, str]) -> None:
    """Makes tables with the keys and indexes of the template's, from the name there to the name here."""
    for logical, name in names.items():
        properties: dict[str, Any] = merge_template()["Resources"][logical]["Properties"]
        client.create_table(TableName=name, **{part: properties[part] for part in _SHAPE if part in properties})
