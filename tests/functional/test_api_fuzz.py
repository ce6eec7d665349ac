"""The API against its document: hundreds of requests that fit it, and as many that don't.

A failure prints the request as a curl command; FUZZ_SEED repeats a run.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from leleka.stage import Stage
from tests.functional.customer import Customer
from tests.functional.fuzz_world import World
from tests.promises import Promises

pytestmark = pytest.mark.stack
DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.yaml"
SEED = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(2**32))
EXAMPLES = 30
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]

api = schemathesis.openapi.from_path(DOCUMENT)
api.config.phases.examples.enabled = False
api.config.output.sanitization.enabled = False  # these are the secrets of a stage that ends with the tests
api.config.phases.coverage.unexpected_methods = {"delete", "get", "head", "options", "patch", "post", "put"}
"""What API Gateway knows; it has no path for any other method, TRACE for one."""

api.config.checks.negative_data_rejection.expected_statuses = ["400", "401", "404", "405", "413", "415", "422", "429"]
"""Not 409: it says that a request was in order."""


@pytest.fixture(scope="module")
def world(stage: Stage, pytestconfig: pytest.Config) -> Iterator[World]:
    """Flights, seats and bookings for the requests; what they leave is settled when they are over."""
    with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f" [FUZZ_SEED={SEED}]", end="")  # noqa: T201 - the seed is wanted whenever these tests run
    customer = Customer(stage)
    world = World(customer)
    yield world
    world.settle()
    customer.close()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all requests."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@api.parametrize()
@hypothesis.seed(SEED)
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_every_answer_is_as_the_document_says(
    case: schemathesis.Case[Any], stage: Stage, world: World, session: requests.Session
) -> None:
    """Status, type, headers and body; nothing breaks, and nothing that does not fit is accepted."""
    world.fit(case)
    response = case.call(base_url=stage.api_url, session=session, timeout=60)
    world.learn(case, response)
    case.validate_response(response, checks=CHECKS, transport_kwargs={"base_url": stage.api_url, "session": session})


def test_the_requests_got_far_and_broke_no_promise(world: World, promises: Promises) -> None:
    """Bookings were made, paid, cancelled and told of; afterwards everything adds up."""
    world.settle()
    assert not world.never_reached(), world.reached
    promises.hold()
