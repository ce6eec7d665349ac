"""A table of the real stack that loses rows gets them back from a copy of itself."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from leleka import stages_here
from leleka.cli import app
from leleka.stage import Stage
from tests.functional.customer import FLIGHT, Customer

pytestmark = pytest.mark.stack


def said(*arguments: str) -> Any:
    """The JSON document of the command, which must succeed."""
    result = CliRunner().invoke(app, ["ops", "restore", "FaresTable", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_lost_fares_come_back(stage: Stage, customer: Callable[[], Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied, lost, looked at, given back: afterwards the flight has its prices again."""
    monkeypatch.setattr(stages_here, "load", lambda _name: stage)
    visitor = customer()
    fares = visitor.get(f"/flights/{FLIGHT}/seats").json()["fares"]
    copied = said()
    assert (copied["missing"], copied["differing"]) == (0, 0)
    for fare in fares:
        key = {"flight_id": {"S": FLIGHT}, "cabin": {"S": fare["cabin"]}}
        stage.dynamodb.delete_item(TableName=stage.tables["FaresTable"], Key=key)
    try:
        assert visitor.get(f"/flights/{FLIGHT}/seats").json()["fares"] == []
        looked = said("--from", copied["copy"])
        assert (looked["missing"], looked["written"]) == (len(fares), 0)
    finally:
        given_back = said("--from", copied["copy"], "--write")
        stage.dynamodb.delete_table(TableName=copied["copy"])
    assert given_back["written"] == len(fares)
    assert visitor.get(f"/flights/{FLIGHT}/seats").json()["fares"] == fares
