"""Seats in the real database, and holders that are processes."""

from collections.abc import Iterator

import pytest

from leleka.stack.config import free_ports
from leleka.stage import Stage
from tests.functional.locking.failures.paths import Paths
from tests.functional.locking.holders import Crew, Worker
from tests.functional.locking.proxy import Proxy
from tests.functional.locking.seats import Seats
from tests.functional.locking.topologies import Node


@pytest.fixture(scope="session")
def all_seats(stage: Stage) -> Iterator[Seats]:
    """The tables of these tests."""
    seats = Seats(stage)
    yield seats
    seats.end()


@pytest.fixture(scope="session")
def crew(all_seats: Seats) -> Iterator[Crew]:
    """Holders, started when a test first wants them."""
    crew = Crew(all_seats.place, all_seats)
    yield crew
    crew.end()


@pytest.fixture
def seats(all_seats: Seats) -> Iterator[Seats]:
    """The same, for one test, which ends with a check."""
    yield all_seats
    all_seats.forget()


@pytest.fixture
def seat(seats: Seats) -> str:
    """A seat that nobody ever held."""
    return seats.fresh(1)[0]


@pytest.fixture
def pair(crew: Crew) -> list[Worker]:
    """Two holders."""
    return crew.get(2)


@pytest.fixture
def proxy(node: Node) -> Iterator[Proxy]:
    """A way to the node that can lose what passes."""
    proxy = Proxy(node.port)
    yield proxy
    proxy.end()


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    return free_ports(1)[0]


@pytest.fixture
def paths(five_nodes: list[Node]) -> Iterator[Paths]:
    """Ways to the five nodes that can be parted."""
    paths = Paths(five_nodes)
    yield paths
    paths.end()
