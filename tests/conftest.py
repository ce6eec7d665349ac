"""What the functional and the browser tests share: one local stack, its customers, and the promises."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from leleka.stage import Stage
    from tests.functional.customer import Customer
    from tests.least_privilege.calls import CallTrail
    from tests.promises import Promises

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser tests come right after the functional ones: the stack that they share doesn't idle in between,
    beside the stacks that other tests start."""
    browser = [item for item in items if _folder(item) == "e2e"]
    others = [item for item in items if _folder(item) != "e2e"]
    functional = [index for index, item in enumerate(others) if _folder(item) == "functional"]
    if functional:
        items[:] = others[: functional[-1] + 1] + browser + others[functional[-1] + 1 :]


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(_HERE).parts[0] if item.path.is_relative_to(_HERE) else ""


@pytest.fixture(scope="session")
def call_trail(tmp_path_factory: pytest.TempPathFactory) -> "CallTrail":
    """The AWS calls that the stage's functions and state machines make."""
    from tests.least_privilege.calls import CallTrail  # noqa: PLC0415 - as below

    return CallTrail(tmp_path_factory.mktemp("calls") / "trail.jsonl")


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, call_trail: "CallTrail") -> "Iterator[Stage]":
    """The system, deployed and seeded, for the session. When the session ends, every call that was made in it must have
    been allowed, whichever tests it had."""
    # Unit tests, which need no stack, don't wait for boto3.
    from leleka.own_stage import own_stage, stage_in_docker  # noqa: PLC0415 - as said above
    from leleka.stack import StackConfig  # noqa: PLC0415 - as said above
    from tests.least_privilege.session import require_allowed  # noqa: PLC0415 - as said above

    if StackConfig.from_environment().docker:  # make test-docker has started it; nothing records calls there
        yield stage_in_docker()
        return
    with own_stage(tmp_path_factory.mktemp("stack"), call_trail.file) as stage:
        yield stage
        require_allowed(stage, call_trail)


@pytest.fixture
def customer(stage: "Stage") -> "Iterator[Callable[..., Customer]]":
    """Makes customers at the API, each with a connection of its own; ``source`` and ``email`` may be given."""
    from tests.functional.customer import Customer  # noqa: PLC0415 - as above

    made: list[Customer] = []

    def make(**who: str) -> Customer:
        made.append(Customer(stage, **who))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def promises(stage: "Stage") -> "Iterator[Promises]":
    """The promise check, run after the test as well as whenever the test asks."""
    from tests.promises import Promises  # noqa: PLC0415 - as above

    check = Promises(stage)
    yield check
    check.hold()
