"""Bookings as an operator sees them: which are unfinished, by the due index and never by a scan, and how one stands.

What is read of a booking is what an operator needs; a passenger's name and address are not read at all.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from leleka.executions import Execution, executions_of
from leleka.stage import Stage
from leleka.terminal import CommandError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LISTED_MAX = 200
"""How many bookings one list shows: those that are due first."""

_SHARDS = ("0", "1", "2", "3")
_FOR_A_PERSON = ("due_at_s >= :then", 4_102_444_800)
_FOR_A_SAGA = ("due_at_s < :then", 4_102_444_800)
"""What waits for a person is due in the year 2100, as ``shared/due.py`` says, and must not be cut off as the last."""
_READ = ("booking_id", "record_locator", "status", "flight_id", "seat", "created_at_s", "reason", "stuck", "lock_id")
_plain = TypeDeserializer().deserialize


class OpsError(CommandError):
    """An operator's command can't do what it was asked for; the message says why, and what can be done."""


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """A booking and what is known of it without its passenger. ``stuck`` names the compensations that failed for
    good."""

    booking_id: str
    record_locator: str
    status: str
    flight_id: str
    seat: str
    created_at_s: int
    reason: str | None = None
    stuck: dict[str, Any] = {}


class Listed(msgspec.Struct, frozen=True):
    """A line of the list. ``state`` is running, waiting (for the customer), stuck (nothing works on it and it is not
    finished), requested (its saga has not begun), or NEEDS_ATTENTION; ``runs`` is the execution at work, if one is."""

    state: str
    age_s: int
    booking: Case
    runs: str | None


def unfinished(stage: Stage, now_s: float) -> list[Listed]:
    """All bookings that are not finished, up to ``LISTED_MAX``; what needs a person first, then the oldest.

    Raises:
        OpsError: the stage has no due index, or DynamoDB did not answer.
        FollowError: Step Functions did not answer.
    """
    cases = [case for booking_id in _due(stage) if (case := _read(stage, booking_id))]
    listed = [_listed(stage, case, now_s) for case in cases]
    return sorted(listed, key=lambda line: (_URGENCY[line.state], -line.age_s))


def find(stage: Stage, ref: str) -> Case:
    """The booking with this record locator or id.

    Raises:
        OpsError: there is none, or DynamoDB did not answer.
    """
    booking_id = ref if ref.startswith("bk-") else _booking_id_of(stage, ref.upper())
    case = _read(stage, booking_id) if booking_id else None
    if case is None:
        raise OpsError(f"there is no booking {ref} on stage {stage.name}")
    return case


def lock_id_of(stage: Stage, booking_id: str) -> str:
    """The secret of the booking's seat lock, which its compensations need."""
    return str(_get(stage, "BookingsTable", {"booking_id": booking_id}, _READ)["lock_id"])


_URGENCY = {"NEEDS_ATTENTION": 0, "stuck": 1, "running": 2, "waiting": 3, "requested": 4}


def _listed(stage: Stage, case: Case, now_s: float) -> Listed:
    at_work = next((each for each in executions_of(stage, case.booking_id) if each.running), None)
    age_s = max(0, int(now_s - case.created_at_s))
    return Listed(_state(case, at_work), age_s, case, at_work.name if at_work else None)


def _state(case: Case, at_work: Execution | None) -> str:
    if case.status == "NEEDS_ATTENTION":
        return case.status
    if at_work is None:
        return "requested" if case.status == "REQUESTED" else "stuck"
    return "waiting" if case.status == "AWAITING_PAYMENT" and at_work.kind == "saga" else "running"


def _due(stage: Stage) -> list[str]:
    """The ids in the due index: those that wait for a person, then those that are due first."""
    found: list[str] = []
    for part in (_FOR_A_PERSON, _FOR_A_SAGA):
        rows = sorted(
            (int(row["due_at_s"]), str(row["booking_id"])) for shard in _SHARDS for row in _shard(stage, shard, part)
        )
        found += [booking_id for _, booking_id in rows]
    return found[:LISTED_MAX]


def _shard(stage: Stage, shard: str, part: tuple[str, int]) -> Iterator[dict[str, Any]]:
    condition, then_s = part
    try:
        pages = stage.dynamodb.get_paginator("query").paginate(
            TableName=stage.tables["BookingsTable"],
            IndexName="due",
            KeyConditionExpression=f"due_shard = :shard AND {condition}",
            ExpressionAttributeValues={":shard": {"S": shard}, ":then": {"N": str(then_s)}},
            PaginationConfig={"MaxItems": LISTED_MAX},
        )
        for page in pages:
            yield from ({name: _plain(value) for name, value in item.items()} for item in page["Items"])
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"the unfinished bookings can't be read: {error}") from error


def _booking_id_of(stage: Stage, locator: str) -> str | None:
    found = _get(stage, "LocatorsTable", {"record_locator": locator}, ("booking_id",))
    return str(found["booking_id"]) if found else None


def _read(stage: Stage, booking_id: str) -> Case | None:
    found = _get(stage, "BookingsTable", {"booking_id": booking_id}, _READ)
    if not found:
        return None
    stuck = msgspec.json.decode(found.pop("stuck", "{}"))
    return msgspec.convert({**found, "stuck": stuck, "created_at_s": int(found["created_at_s"])}, Case)


def _get(stage: Stage, table: str, key: dict[str, str], columns: tuple[str, ...]) -> dict[str, Any]:
    client: DynamoDBClient = stage.dynamodb
    try:
        found = client.get_item(
            TableName=stage.tables[table],
            Key={name: {"S": value} for name, value in key.items()},
            ProjectionExpression=", ".join(f"#{name}" for name in columns),
            ExpressionAttributeNames={f"#{name}": name for name in columns},
            ConsistentRead=True,
        )
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"the booking can't be read: {error}") from error
    return {name: _plain(value) for name, value in found.get("Item", {}).items()}
