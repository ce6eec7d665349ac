"""One local stack for all tests of this folder that don't end theirs."""

from collections.abc import Iterator

import pytest

from leleka.stack import RunningStack, StackConfig, temporary_stack
from leleka.stage import Aws
from tests.functional.local_stack.functions import Function, aws_of, make_function


@pytest.fixture(scope="session")
def probe_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack without the application."""
    with temporary_stack(StackConfig(tmp_path_factory.mktemp("stack"))) as running:
        yield running


@pytest.fixture(scope="session")
def probe_aws(probe_stack: RunningStack) -> Aws:
    """The AWS of that stack."""
    return aws_of(probe_stack)


@pytest.fixture(scope="module")
def probe(probe_aws: Aws) -> Function:
    """The probe function; one for each module."""
    return make_function(probe_aws)
