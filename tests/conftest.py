"""What the functional and the browser tests share: one local stack, its customers, and the promises."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from leleka.stage import Stage
    from tests.functional.customer import Customer
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
def stage(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Stage]":
    """The system, deployed and seeded, for the session."""
    from leleka.own_stage import own_stage  # noqa: PLC0415 - unit tests, which need no stack, don't wait for boto3

    with own_stage(tmp_path_factory.mktemp("stack")) as stage:
        yield stage


@pytest.fixture
def customer(stage: "Stage") -> "Iterator[Callable[[], Customer]]":
    """Makes customers at the API, each with a connection of its own."""
    from tests.functional.customer import Customer  # noqa: PLC0415 - as above

    made: list[Customer] = []

    def make() -> Customer:
        made.append(Customer(stage))
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
