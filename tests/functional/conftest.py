"""One local stack for the session: LocalStack, Valkey and the whole system, on free ports and ended with the tests."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leleka import deploy, seed
from leleka.stack import StackConfig, temporary_stack
from leleka.stage import LOCAL, Aws, Stage
from tests.functional.customer import Customer
from tests.promises import Promises

LOCK_TIMEOUT_MS = "500"  # two busy cores answer later than a network would


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The system, deployed and seeded."""
    state_dir: Path = tmp_path_factory.mktemp("stack")
    with ThreadPoolExecutor(1) as pool:
        packaging = pool.submit(deploy.package, LOCAL)
        with temporary_stack(StackConfig(state_dir)) as running:
            stage = deploy.deploy(
                Aws(LOCAL, running.gateway_url),
                running.valkey_url,
                packaged=packaging.result(),
                LockTimeoutMs=LOCK_TIMEOUT_MS,
            )
            seed.seed(stage)
            yield stage


_seats = itertools.count()


@pytest.fixture
def seat() -> str:
    """A seat of KBP-BCN-0615 that no other test uses, so that tests neither wait for nor disturb each other; behind the
    exit rows, so that all cost the same."""
    index = next(_seats)
    return f"{18 + index // 6}{'ABCDEF'[index % 6]}"


@pytest.fixture
def customer(stage: Stage) -> Iterator[Callable[[], Customer]]:
    """Makes customers, each with a connection of its own."""
    made: list[Customer] = []

    def make() -> Customer:
        made.append(Customer(stage))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def promises(stage: Stage) -> Iterator[Promises]:
    """The promise check, run after the test as well as whenever the test asks."""
    check = Promises(stage)
    yield check
    check.hold()
