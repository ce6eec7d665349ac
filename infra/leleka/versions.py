"""The published versions of a stage's functions: each deployment adds one to each, and Lambda keeps them all."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from leleka.change_sets import DeployError
from leleka.stage import Aws, stack_name

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

KEPT = 5
"""So many versions of each function stay: the one in use, and those to go back to."""


def prune(aws: Aws) -> int:
    """Deletes all but the newest versions of the stage's functions, and none that an alias names. Returns how many.

    Raises:
        DeployError: some are still there. Nothing depends on it, and the next deployment tries again.
    """
    functions: LambdaClient = aws.client("lambda")
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_name(aws.stage))
    try:
        names = [
            each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] == "AWS::Lambda::Function"
        ]
        return sum(_prune(functions, name) for name in names)
    except (BotoCoreError, ClientError) as error:
        raise DeployError(
            f"stage {aws.stage} is deployed, but old versions of its functions could not be deleted: {error}"
        ) from error


def _prune(functions: "LambdaClient", name: str) -> int:
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    published = [each["Version"] for page in pages for each in page["Versions"] if each["Version"] != "$LATEST"]
    old = sorted(published, key=int)[:-KEPT]
    used: set[str] = set()
    if old:
        for page in functions.get_paginator("list_aliases").paginate(FunctionName=name):
            for alias in page["Aliases"]:
                weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
                used |= {alias["FunctionVersion"], *weights}
    for version in (gone := [version for version in old if version not in used]):
        functions.delete_function(FunctionName=name, Qualifier=version)
    return len(gone)
