"""The zips of functions: kept once, and as long as a function has them."""

from typing import TYPE_CHECKING

import boto3
import pytest

from leleka.stage import REGION, Aws
from tests.functional.local_stack.functions import PROBE, Function, make_function, zipped

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.stack

_LOCALSTACKS_OWN_ACCOUNT = "949334387222"
_BUCKET = f"awslambda-{REGION}-tasks"


@pytest.fixture
def kept(probe_aws: Aws) -> "S3Client":
    """The account in which LocalStack keeps zips."""
    client: S3Client = boto3.client(
        "s3",
        endpoint_url=probe_aws.gateway_url,
        region_name="us-east-1",
        aws_access_key_id=_LOCALSTACKS_OWN_ACCOUNT,
        aws_secret_access_key="test",  # noqa: S106 - everybody's
    )
    return client


def zips(kept: "S3Client") -> set[str]:
    """The keys of all zips that are kept."""
    return {each["Key"] for each in kept.list_objects_v2(Bucket=_BUCKET).get("Contents", [])}


def renew(function: Function, source: str) -> None:
    """Gives the function another code."""
    function.client.update_function_code(FunctionName=function.name, ZipFile=zipped(source))


def test_functions_of_one_zip_share_it_to_the_last(probe_aws: Aws, kept: "S3Client") -> None:
    """Whoever leaves first, by another code or by its end, takes nothing from the others."""
    source = PROBE + "\n# of three functions\n"
    first = make_function(probe_aws)
    before = zips(kept)
    second, third = make_function(probe_aws, source), make_function(probe_aws, source)
    second.client.publish_version(FunctionName=second.name)
    renew(first, source)
    shared = zips(kept) - before
    assert len(shared) == 1
    renew(first, PROBE)
    second.client.delete_function(FunctionName=second.name)
    assert shared <= zips(kept)
    assert not third.invoke().failed
    third.client.delete_function(FunctionName=third.name)
    assert not shared & zips(kept)


def test_another_zip_is_another(probe_aws: Aws, kept: "S3Client") -> None:
    """One byte makes the difference, and each function has its own."""
    sources = [f"def handler(event, context):\n    return {number}\n" for number in (1, 2)]
    before = zips(kept) if _exists(kept) else set()
    functions = [make_function(probe_aws, source) for source in sources]
    assert len(zips(kept) - before) == 2
    assert [function.invoke().payload for function in functions] == [1, 2]


def _exists(kept: "S3Client") -> bool:
    return _BUCKET in {each.get("Name") for each in kept.list_buckets()["Buckets"]}
