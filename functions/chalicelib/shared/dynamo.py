"""What the stores share of DynamoDB: item conversion, and its errors told apart.

A cancelled transaction gives one reason an item. A failed condition is an answer; a conflict or a throttle is not, and
taking it for one would refuse a free seat.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError

from chalicelib.shared.errors import StoreBusy

type Item = dict[str, Any]

_BUSY = frozenset(
    {
        "InternalServerError",
        "ItemCollectionSizeLimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


class ConditionFailed(Exception):
    """A conditional write was refused. ``items`` holds, by position, what stood there instead; None is no item, or
    an item whose own condition held."""

    def __init__(self, items: list[Item | None], failed: list[bool]) -> None:
        super().__init__(f"condition failed at {[index for index, bad in enumerate(failed) if bad]}")
        self.items = items
        self.failed = failed


def to_item(values: Mapping[str, Any]) -> Item:
    """Plain values to DynamoDB's typed form; None is left out.

    Raises:
        TypeError: a value is of a type that Leleka stores nowhere, such as a float.
    """
    return {name: _typed(value) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> Item:
    """DynamoDB's typed form to plain values; numbers become int, since Leleka stores whole numbers only.

    Raises:
        ValueError: a number is not whole, or a value is of a type that Leleka stores nowhere.
    """
    return {name: _plain(value) for name, value in item.items()}


# boto3's own converters know every type, ask a Decimal about each number, and cost a start the rest of boto3.
def _typed(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case dict():
            return {"M": {name: _typed(each) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [_typed(each) for each in value]}
        case _:
            raise TypeError(f"no attribute of DynamoDB is made of {type(value).__name__}")


def _plain(typed: Mapping[str, Any]) -> Any:
    [(kind, value)] = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "NULL":
            return None
        case "M":
            return from_item(value)
        case "L":
            return [_plain(each) for each in value]
        case _:
            raise ValueError(f"an attribute of type {kind} is none of Leleka's")


@contextmanager
def verdicts() -> Iterator[None]:
    """Turns botocore's errors into Leleka's.

    Raises:
        ConditionFailed: DynamoDB's verdict on a condition.
        StoreBusy: no verdict; the same call may be made again.
    """
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ConditionalCheckFailedException":
            raise ConditionFailed([_item_of(error.response)], [True]) from error
        if code == "TransactionCanceledException":
            raise _cancellation(error) from error
        if code in _BUSY:
            raise StoreBusy(f"DynamoDB gave no verdict ({code}); the call may be repeated") from error
        raise
    except (BotoConnectionError, HTTPClientError) as error:
        raise StoreBusy(f"DynamoDB did not answer ({type(error).__name__}); the call may be repeated") from error


def _cancellation(error: ClientError) -> Exception:
    response: Mapping[str, Any] = error.response
    reasons = response.get("CancellationReasons", [])
    failed = [reason.get("Code") == "ConditionalCheckFailed" for reason in reasons]
    # Busy first: beside a conflict a failed condition says nothing, since the conflicting write may be our own earlier
    # attempt, whose ledger row would have explained the failure.
    if any(reason.get("Code") in _BUSY for reason in reasons):
        codes = sorted({reason.get("Code", "None") for reason in reasons} - {"None"})
        return StoreBusy(f"the transaction was in another's way ({', '.join(codes)}); it may be repeated")
    if any(failed):
        return ConditionFailed([_item_of(reason) for reason in reasons], failed)
    return error


def _item_of(reason: Mapping[str, Any]) -> Item | None:
    item = reason.get("Item")
    return from_item(item) if item else None
