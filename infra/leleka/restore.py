"""Gives a table back the rows that it has lost, from a copy of itself at an earlier moment.

The copy is a table beside it. A row that the stage lacks is written under the condition that it still lacks it; one
that differs is told and left as it is, since only a person knows which of the two is right.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

import msgspec
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from leleka.stage import Stage
from leleka.terminal import CommandError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]

KEYS_MAX = 50
"""How many keys are told by name."""

_KEYS_A_REQUEST = 100  # BatchGetItem takes no more
_ATTEMPTS = 8
_BACKOFF_S = 0.05
_COPY_POLL_S = 10
_COPY_POLLS_MAX = 720  # two hours
_plain = TypeDeserializer().deserialize


class RestoreError(CommandError):
    """A table could not be copied, read or written; the message says how far it came."""


class Lost(msgspec.Struct):
    """What a table lacks of its copy, and what it has otherwise; of both the first ``KEYS_MAX`` keys. ``written``
    counts the rows that were given back."""

    table: str
    copy: str
    rows: int = 0
    missing: int = 0
    differing: int = 0
    written: int = 0
    missing_keys: list[dict[str, str]] = []
    differing_keys: list[dict[str, str]] = []


def copy_of(stage: Stage, table: str, at: datetime | None) -> str:
    """Makes a copy of the table as it was at ``at`` (the latest moment there is, by default); returns its name.

    Raises:
        RestoreError: the stage has no such table, or the copy was not made in time; it may still be under way.
    """
    name = _name(stage, table)
    copy = f"{name}-at-{(at or datetime.now(UTC)).astimezone(UTC):%Y%m%dT%H%M%S}"
    when: dict[str, Any] = {"RestoreDateTime": at} if at else {"UseLatestRestorableTime": True}
    try:
        stage.dynamodb.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=copy, **when)
        waiting: Any = {"Delay": _COPY_POLL_S, "MaxAttempts": _COPY_POLLS_MAX}
        stage.dynamodb.get_waiter("table_exists").wait(TableName=copy, WaiterConfig=waiting)
    except WaiterError as error:
        raise RestoreError(f"{copy} is not there yet; go on later with --from {copy}") from error
    except (BotoCoreError, ClientError) as error:
        raise RestoreError(f"{name} could not be copied: {error}") from error
    return copy


def compare(stage: Stage, table: str, copy: str, now_s: float, *, write: bool) -> Lost:
    """What the table lacks of its copy; with ``write`` it is given back. Again is safe. Rows whose time to live is over
    are not missed.

    Raises:
        RestoreError: a table is not there or did not answer; what was written stays written.
    """
    lost = Lost(_name(stage, table), copy)
    try:
        keys = _key_names(stage.dynamodb, lost.table)
        for page in _pages(stage.dynamodb, copy):
            standing = _standing(stage.dynamodb, lost.table, keys, page)
            for item in page:
                found = standing.get(_identity(item, keys))
                if found is None and not _expired(item, now_s):
                    _note(lost.missing_keys, item, keys)
                    lost.missing += 1
                    lost.written += write and _put_if_absent(stage.dynamodb, lost.table, keys, item)
                elif found is not None and found != item:
                    _note(lost.differing_keys, item, keys)
                    lost.differing += 1
            lost.rows += len(page)
    except (BotoCoreError, ClientError) as error:
        raise RestoreError(f"after {lost.rows} rows of {copy}, {lost.written} given back: {error}") from error
    return lost


def _name(stage: Stage, table: str) -> str:
    try:
        return stage.tables[table]
    except KeyError as unknown:
        raise RestoreError(f"stage {stage.name} has no {table}; it has {', '.join(sorted(stage.tables))}") from unknown


def _key_names(dynamodb: "DynamoDBClient", name: str) -> list[str]:
    return [each["AttributeName"] for each in dynamodb.describe_table(TableName=name)["Table"]["KeySchema"]]


def _pages(dynamodb: "DynamoDBClient", name: str) -> Iterator[list[Item]]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
    return (list(page["Items"]) for page in pages)


def _standing(dynamodb: "DynamoDBClient", name: str, keys: Sequence[str], page: list[Item]) -> dict[str, Item]:
    """The rows of the table that have the same keys, by key."""
    found: dict[str, Item] = {}
    for some in batched(page, _KEYS_A_REQUEST, strict=False):
        wanted: Any = {name: {"Keys": [{key: item[key] for key in keys} for item in some], "ConsistentRead": True}}
        for attempt in range(_ATTEMPTS):
            time.sleep(_BACKOFF_S * (2**attempt - 1))  # the first is asked at once
            answer = dynamodb.batch_get_item(RequestItems=wanted)
            for item in answer["Responses"].get(name, []):
                found[_identity(item, keys)] = item
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                break
        else:
            raise RestoreError(
                f"{name} did not give all rows in {_ATTEMPTS} attempts; nothing of this page was written"
            )
    return found


def _put_if_absent(dynamodb: "DynamoDBClient", name: str, keys: Sequence[str], item: Item) -> bool:
    try:
        dynamodb.put_item(
            TableName=name,
            Item=item,
            ConditionExpression="attribute_not_exists(#key)",
            ExpressionAttributeNames={"#key": keys[0]},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False  # it has come back by itself, and is newer
    return True


def _expired(item: Item, now_s: float) -> bool:
    ends = item.get("expires_at_s")
    return ends is not None and float(ends["N"]) <= now_s


def _identity(item: Item, keys: Sequence[str]) -> str:
    return repr([item[key] for key in keys])


def _note(told: list[dict[str, str]], item: Item, keys: Sequence[str]) -> None:
    if len(told) < KEYS_MAX:
        told.append({key: str(_plain(item[key])) for key in keys})
