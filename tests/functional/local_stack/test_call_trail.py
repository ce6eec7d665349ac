"""The call trail: which AWS calls a function makes, recorded where they arrive."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from leleka.stack import StackConfig, StackError, temporary_stack
from tests.functional.local_stack.functions import aws_of, dynamodb_of, make_function

pytestmark = pytest.mark.stack

SOURCE = """
import boto3

def handler(event, context):
    client = boto3.client("dynamodb")
    for table in ("seats", "ledger"):
        try:
            client.get_item(TableName=table, Key={"id": {"S": event["name"]}})
        except client.exceptions.ResourceNotFoundException:
            pass
"""


def _of(caller: str, trail: Path) -> list[dict[str, Any]]:
    """The lines of that session."""
    lines = [json.loads(line) for line in trail.read_text().splitlines()]
    return [line for line in lines if line["caller"].endswith(f"assumed-role/probe/{caller}")]


def test_a_functions_calls_are_recorded_under_its_role_and_its_name(tmp_path: Path) -> None:
    """Each with what IAM would be asked, and nothing else of its parameters. What others call is not its call."""
    trail = tmp_path / "trail.jsonl"
    with temporary_stack(StackConfig(tmp_path / "stack", call_trail=trail)) as running:
        function = make_function(aws_of(running), SOURCE)
        assert not function.invoke(name="Zofia").failed
        dynamodb_of(aws_of(running)).list_tables()
    table = "arn:aws:dynamodb:eu-central-1:000000000000:table"
    assert _of(function.name, trail) == [
        {
            "caller": f"arn:aws:sts::000000000000:assumed-role/probe/{function.name}",
            "call": "dynamodb:GetItem",
            "questions": [["dynamodb:GetItem", f"{table}/{name}"]],
            "context": {},
        }
        for name in ("seats", "ledger")
    ]
    assert "Zofia" not in trail.read_text()
    assert "ListTables" not in trail.read_text()


def test_a_call_that_cannot_be_recorded_fails(tmp_path: Path) -> None:
    """Rather that than a trail with a hole; the disk is full here."""
    with temporary_stack(StackConfig(tmp_path, call_trail=Path("/dev/full"))) as running:
        function = make_function(aws_of(running), SOURCE, environment={"AWS_MAX_ATTEMPTS": "1"})
        reply = function.invoke(name="Zofia")
    assert reply.failed
    assert os.strerror(28) in reply.payload["errorMessage"]


def test_a_trail_that_has_no_place_is_an_error(tmp_path: Path) -> None:
    """LocalStack does not start then."""
    nowhere = tmp_path / "no" / "such" / "folder"
    with pytest.raises(StackError, match="localstack"), temporary_stack(StackConfig(tmp_path, call_trail=nowhere)):
        pytest.fail("it started")
