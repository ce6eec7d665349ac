"""What an operator is asked before a stage on AWS changes, and before any stage goes."""

from typing import Any

import pytest

from leleka import cli_deploy
from leleka import destroy as destruction
from leleka.change_sets import Change
from leleka.destroy import Remains, TableLeft
from leleka.stage import Aws
from tests.unit.cli_world import STAGE, run

TABLE = "AWS::DynamoDB::Table"
QUEUE = "AWS::SQS::Queue"
HARMLESS = [
    Change("Add", "SeatCache", "AWS::ElastiCache::ServerlessCache"),
    Change("Modify", "ReserveSeat", "AWS::Lambda::Function", "False"),
]
REPLACED = Change("Modify", "SeatsTable", TABLE, "True")
FULL = Remains("prod", "leleka-prod", 99, [TableLeft("leleka-prod-SeatsTable-1", 2160, has_rows=True)], 4)
EMPTY = Remains("prod", "leleka-prod", 99, [TableLeft("leleka-prod-SeatsTable-1", 0, has_rows=False)], 4)


class World:
    """A stage prod with these changes waiting, and whether somebody sits at the terminal."""

    def __init__(self) -> None:
        self.changes = HARMLESS
        self.given: dict[str, Any] = {}
        self.deployed = False
        self.destroyed: list[bool] = []
        self.remains = EMPTY
        self.terminal = True

    def deploy(self, aws: Aws, lock_url: str | None, approve: Any, at_once: bool, **given: Any) -> Any:
        self.given = {"aws": aws, "lock_url": lock_url, "at_once": at_once, **given}
        if approve is not None:
            approve(self.changes)
        self.deployed = True
        return STAGE

    def destroy(self, _aws: Aws, remains: Remains, *, delete_data: bool) -> Any:
        destruction.require_leave(remains, delete_data=delete_data)
        self.destroyed.append(delete_data)
        yield "deleted stack leleka-prod"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr("leleka.cli_stack.deployment.deploy", made.deploy)
    monkeypatch.setattr(destruction, "look", lambda _aws: made.remains)
    monkeypatch.setattr(destruction, "destroy", made.destroy)
    monkeypatch.setattr(cli_deploy, "_somebody_is_here", lambda: made.terminal)
    return made


def deploy(*options: str, answer: str | None = None) -> Any:
    return run("deploy", "--stage", "prod", *options, answer=answer)


def destroy(*options: str, answer: str | None = None) -> Any:
    return run("destroy", "--stage", "prod", *options, answer=answer)


@pytest.mark.parametrize(("answer", "deployed"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_stage_on_aws_changes_after_a_yes(world: World, answer: str, *, deployed: bool) -> None:
    """The changes are shown first; a no, or nothing, changes nothing."""
    done = deploy(answer=answer)
    assert world.deployed is deployed
    assert done.exit_code == (0 if deployed else 1)
    assert "AWS::ElastiCache::ServerlessCache" in done.stdout
    assert "Make these 2 changes on stage prod?" in done.stderr
    assert ("nothing was changed" in done.stderr) is not deployed


def test_without_a_terminal_nothing_is_even_packaged(world: World) -> None:
    """A machine has to say --yes."""
    world.terminal = False
    refused = deploy()
    assert (refused.exit_code, world.given) == (1, {})
    assert "--yes" in refused.stderr
    assert deploy("--yes").exit_code == 0
    assert world.deployed


@pytest.mark.parametrize(
    "change",
    [REPLACED, Change("Modify", "SeatsTable", TABLE, "Conditional"), Change("Remove", "SeatsTable", TABLE)],
)
def test_a_table_goes_only_if_that_is_said_too(world: World, change: Change) -> None:
    """A yes to everything is not a yes to that."""
    world.changes = [change, *HARMLESS]
    refused = deploy("--yes")
    assert (refused.exit_code, world.deployed) == (1, False)
    assert "SeatsTable would leave the stage with all rows; nothing was changed" in refused.stderr
    assert deploy("--yes", "--replace-tables").exit_code == 0
    assert world.deployed


def test_the_most_dangerous_change_stands_next_to_the_question(world: World) -> None:
    """Whatever CloudFormation's order, and however many there are."""
    world.changes = [REPLACED, Change("Remove", "Old", QUEUE), Change("Modify", "It", QUEUE, "True"), *HARMLESS]
    lines = [line.split() for line in deploy("--yes", "--replace-tables").stdout.splitlines()]
    shown = [line[-1] for line in lines if line[0] in {"Add", "Modify", "Remove"}]
    assert shown == ["SeatCache", "ReserveSeat", "It", "Old", "SeatsTable"]
    assert ["Modify", "yes", TABLE, "SeatsTable"] in lines


def test_a_stage_on_aws_needs_no_lock_server(world: World) -> None:
    """It has its own; another one is named, and none at all by its own word."""
    deploy("--yes")
    assert world.given["lock_url"] is None
    deploy("--yes", "--lock-url", "none:")
    assert world.given["lock_url"] == "none:"


def test_a_fix_is_released_at_once_when_that_is_said(world: World) -> None:
    """Otherwise the alarms of what is broken would keep it out."""
    deploy("--yes")
    assert world.given["at_once"] is False
    deploy("--yes", "--at-once")
    assert world.given["at_once"] is True


def test_a_stage_with_data_stays_and_the_way_to_delete_it_is_named(world: World) -> None:
    """Nobody is asked, and --yes is not enough."""
    world.remains = FULL
    for refused in (destroy(), destroy("--yes")):
        assert refused.exit_code == 1
        assert "leleka destroy --stage prod --delete-data" in refused.stderr
        assert "leleka-prod-SeatsTable-1: about 2160 rows" in refused.stdout
    assert world.destroyed == []


@pytest.mark.parametrize(("answer", "gone"), [("prod\n", True), ("y\n", False), ("prd\n", False)])
def test_a_stage_goes_when_its_name_is_typed(world: World, answer: str, *, gone: bool) -> None:
    """What would go has been shown by then."""
    world.remains = FULL
    done = destroy("--delete-data", answer=answer)
    assert world.destroyed == ([True] if gone else [])
    assert done.exit_code == (0 if gone else 1)
    assert "stack leleka-prod: 99 resources" in done.stdout
    assert ("deleted stack leleka-prod" in done.stdout) is gone


def test_without_a_terminal_a_stage_goes_only_with_yes(world: World) -> None:
    """Also an empty one."""
    world.terminal = False
    refused = destroy()
    assert (refused.exit_code, world.destroyed) == (1, [])
    assert "--yes" in refused.stderr
    assert destroy("--yes").exit_code == 0
    assert world.destroyed == [False]


def test_of_a_stage_that_is_not_there_nothing_goes(world: World) -> None:
    """And that is no error."""
    world.remains = Remains("prod", "", 0, [], 0)
    done = destroy("--yes", "--delete-data")
    assert (done.exit_code, done.stderr, world.destroyed) == (0, "there is nothing of a stage prod\n", [])
