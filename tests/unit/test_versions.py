"""Old versions of functions go, and none that is used or could be gone back to."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from leleka import versions
from leleka.change_sets import DeployError
from tests.unit.aws_world import FakeAws


class FakeLambda:
    """Functions by name, each with its published versions; ``aliases`` is what each function's alias points to."""

    def __init__(self, **published: int) -> None:
        self.published = {name: [str(number) for number in range(1, last + 1)] for name, last in published.items()}
        self.aliases: dict[str, dict[str, Any]] = {}
        self.deleted: list[tuple[str, str]] = []
        self.broken = False

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(getattr(self, f"_{operation}"))

    def _list_stack_resources(self, StackName: str) -> Iterator[Any]:  # noqa: N803 - boto3's spelling
        assert StackName == "leleka-prod"
        for name in self.published:
            yield {"StackResourceSummaries": [{"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": name}]}
        yield {"StackResourceSummaries": [{"ResourceType": "AWS::SQS::Queue", "PhysicalResourceId": "queue"}]}

    def _list_versions_by_function(self, FunctionName: str) -> Iterator[Any]:  # noqa: N803 - as above
        for version in ["$LATEST", *self.published[FunctionName]]:  # one a page, and "10" before "9" to some
            yield {"Versions": [{"Version": version}]}

    def _list_aliases(self, FunctionName: str) -> Iterator[Any]:  # noqa: N803 - as above
        yield {"Aliases": [self.aliases.get(FunctionName, {"FunctionVersion": self.published[FunctionName][-1]})]}

    def delete_function(self, FunctionName: str, Qualifier: str) -> None:  # noqa: N803 - as above
        if self.broken:
            raise ClientError({"Error": {"Code": "TooManyRequests", "Message": "slow down"}}, "DeleteFunction")
        self.deleted.append((FunctionName, Qualifier))


class Pages:
    """A paginator."""

    def __init__(self, pages: Any) -> None:
        self.paginate = pages


def prune(functions: FakeLambda) -> int:
    return versions.prune(FakeAws("prod", cloudformation=functions, **{"lambda": functions}))


def test_the_newest_five_versions_of_each_function_stay() -> None:
    """Numbers are compared as numbers; a function with few keeps all; the unpublished code is no version."""
    functions = FakeLambda(ReserveSeat=12, ConfirmSeat=5)
    assert prune(functions) == 7
    assert functions.deleted == [("ReserveSeat", str(number)) for number in range(1, 8)]


def test_a_version_that_an_alias_names_stays_however_old_it_is() -> None:
    """After a roll-back by hand it is the one in use; a canary names two."""
    functions = FakeLambda(ReserveSeat=9)
    weights = {"AdditionalVersionWeights": {"3": 0.1}}
    functions.aliases["ReserveSeat"] = {"FunctionVersion": "2", "RoutingConfig": weights}
    prune(functions)
    assert [version for _, version in functions.deleted] == ["1", "4"]


def test_a_deployment_whose_old_versions_could_not_go_is_a_deployment() -> None:
    """The error says so, as the operator should not deploy again for it."""
    functions = FakeLambda(ReserveSeat=9)
    functions.broken = True
    with pytest.raises(DeployError, match="is deployed, but old versions"):
        prune(functions)
