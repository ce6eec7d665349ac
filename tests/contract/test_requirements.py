"""functions/requirements.txt is complete: it is packaged without looking for what its packages need."""

import re
from importlib.metadata import requires, version

import pytest

from leleka.paths import PROJECT

PINNED = dict(
    line.split("==")
    for line in (PROJECT / "functions" / "requirements.txt").read_text().splitlines()
    if not line.startswith("#")
)
GIVEN_BY_AWS = set(re.findall(r"^([a-z0-9-]+)==", (PROJECT / "localstack" / "runtime.lock").read_text(), re.MULTILINE))
"""What a function has besides its own zip."""


@pytest.mark.parametrize("name", PINNED)
def test_what_a_package_needs_ships_too_or_is_given_by_aws(name: str) -> None:
    """Otherwise the function can't be imported, there and nowhere else."""
    for requirement in requires(name) or []:
        needed, _, condition = requirement.partition(";")
        if "extra" in condition or "python_version <" in condition or "python_full_version <" in condition:
            continue
        package = re.split(r"[ <>=!~\[(]", needed.strip())[0].lower().replace("_", "-")
        assert package in PINNED.keys() | GIVEN_BY_AWS, f"{name} needs {requirement}"


@pytest.mark.parametrize("name", PINNED)
def test_the_tests_run_with_what_ships(name: str) -> None:
    """Unit tests import the functions in the developers' environment, which has the same versions."""
    assert version(name) == PINNED[name]


@pytest.mark.parametrize("name", PINNED)
def test_nothing_ships_that_aws_gives(name: str) -> None:
    """A second botocore would cost each start of a function, and might not fit the other boto3."""
    assert name not in GIVEN_BY_AWS - {"urllib3"}, "urllib3 is what requests uses, and requests is what ships"
