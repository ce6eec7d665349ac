"""moto's writes, made all or nothing, as DynamoDB's are.

moto copies whole tables to be able to undo a transaction, which gets slow as they grow; and an UpdateItem that fails
halfway leaves its first half. Here only the items concerned are kept for undoing. Callers hold the one lock.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    MockValidationException,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)
from moto.dynamodb.models import DynamoDBBackend

_MAX_OPERATIONS = 100
_OPERATIONS = {"ConditionCheck", "Put", "Delete", "Update"}
_backend_class: Any = DynamoDBBackend
_moto_update_item = _backend_class.update_item


def install() -> None:
    """Replaces moto's own methods."""
    _backend_class.transact_write_items = transact_write_items
    _backend_class.update_item = update_item


def update_item(backend: Any, table_name: str, key: dict[str, Any], *args: Any, **options: Any) -> Any:
    """moto's ``update_item``, which changes nothing when it fails."""
    with _undone_on_error(backend, [(table_name, key)]):
        return _moto_update_item(backend, table_name, key, *args, **options)


def transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
    """Checks all conditions against the state before, then writes all or nothing.

    Raises:
        TransactionCanceledException: a condition failed; it has a reason for each operation.
    """
    operations = _parse(transact_items)
    targets = [(operation["TableName"], _key(backend, kind, operation)) for kind, operation in operations]
    if len({(table_name, str(sorted(key.items()))) for table_name, key in targets}) < len(targets):
        raise MultipleTransactionsException
    reasons = [
        _reason(operation, backend.get_item(table_name, key))
        for (_, operation), (table_name, key) in zip(operations, targets, strict=True)
    ]
    if any(code for code, _, _ in reasons):
        raise TransactionCanceledException(reasons)
    with _undone_on_error(backend, targets):
        for (kind, operation), (table_name, key) in zip(operations, targets, strict=True):
            _write(backend, kind, operation, table_name, key)


def _parse(transact_items: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    if len(transact_items) > _MAX_OPERATIONS:
        raise TooManyTransactionsException
    if any(len(item) != 1 for item in transact_items):
        raise TransactWriteSingleOpException
    operations = [next(iter(item.items())) for item in transact_items]
    for kind, _ in operations:
        if kind not in _OPERATIONS:
            raise MockValidationException(f"{kind} is not an operation of a transaction")
    return operations


def _key(backend: Any, kind: str, operation: dict[str, Any]) -> dict[str, Any]:
    table = backend.get_table(operation["TableName"])
    if kind != "Put":
        key: dict[str, Any] = operation["Key"]
        return key
    missing = [name for name in table.table_key_attrs if name not in operation["Item"]]
    if missing:
        raise MockValidationException(
            f"One or more parameter values were invalid: Missing the key {missing[0]} in the item"
        )
    return {name: operation["Item"][name] for name in table.table_key_attrs}


def _reason(operation: dict[str, Any], current: Any) -> tuple[str | None, str | None, dict[str, Any] | None]:
    """Why the operation's condition doesn't hold: code, message and, if it was asked for, the item."""
    condition = get_filter_expression(
        operation.get("ConditionExpression"),
        operation.get("ExpressionAttributeNames"),
        operation.get("ExpressionAttributeValues"),
    )
    if condition.expr(current):
        return None, None, None
    wants_item = operation.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and current is not None
    item = current.to_json()["Attributes"] if wants_item else None
    return "ConditionalCheckFailed", str(ConditionalCheckFailed().message), item


def _write(backend: Any, kind: str, operation: dict[str, Any], table_name: str, key: dict[str, Any]) -> None:
    if kind == "Put":
        backend.put_item(table_name, operation["Item"])
    elif kind == "Delete":
        backend.delete_item(table_name, key)
    elif kind == "Update":
        _moto_update_item(
            backend,
            table_name,
            key,
            update_expression=operation["UpdateExpression"],
            expression_attribute_names=operation.get("ExpressionAttributeNames"),
            expression_attribute_values=operation.get("ExpressionAttributeValues"),
        )


@contextmanager
def _undone_on_error(backend: Any, targets: list[tuple[str, dict[str, Any]]]) -> Iterator[None]:
    """Puts the items back as they were if the block fails."""
    before = [copy.deepcopy(backend.get_item(table_name, key)) for table_name, key in targets]
    try:
        yield
    except Exception:
        for (table_name, key), item in zip(targets, before, strict=True):
            table = backend.get_table(table_name)
            hash_value, range_value = backend.get_keys_value(table, key)
            if item is None:
                table.delete_item(hash_value, range_value)
            elif range_value is None:
                table.items[hash_value] = item
            else:
                table.items[hash_value][range_value] = item
        raise
