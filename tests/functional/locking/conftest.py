"""Real servers for one test, ended with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.locking.topologies import (
    ClusterGroup,
    Node,
    SentinelGroup,
    start_cluster,
    start_node,
    start_nodes,
    start_sentinel_group,
)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """One server."""
    started = start_node(tmp_path)
    yield started
    started.end()


@pytest.fixture
def five_nodes(tmp_path: Path) -> Iterator[list[Node]]:
    """Five servers that know nothing of each other."""
    started = start_nodes(tmp_path, 5)
    yield started
    for each in started:
        each.end()


@pytest.fixture
def sentinel_group(tmp_path: Path) -> Iterator[SentinelGroup]:
    """A master, two replicas and three Sentinels."""
    started = start_sentinel_group(tmp_path)
    yield started
    started.end()


@pytest.fixture
def cluster_group(tmp_path: Path) -> Iterator[ClusterGroup]:
    """Three masters with all slots."""
    started = start_cluster(tmp_path)
    yield started
    started.end()
