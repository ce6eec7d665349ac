"""Updates of functions as Chalice sends them, and as everybody else does."""

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from leleka.stage import REGION, Aws
from tests.functional.local_stack.functions import PROBE, Function, make_function, zipped

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.stack

_VARIABLES = {"TABLE": "seats"}


def as_chalice(aws: Aws) -> "LambdaClient":
    """A client that calls itself what Chalice's does."""
    client: LambdaClient = boto3.client(
        "lambda",
        endpoint_url=aws.gateway_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - everybody's
        config=Config(user_agent="aws-chalice/1.34.0 md/Botocore#1.44.5"),
    )
    return client


def variables_of(function: Function) -> dict[str, str]:
    """What the function is told."""
    configuration = function.client.get_function_configuration(FunctionName=function.name)
    return configuration.get("Environment", {}).get("Variables", {})


def test_an_update_is_over_when_it_is_answered(probe_aws: Aws) -> None:
    """Nobody has to ask again: the next invocation meets the new code and the new configuration."""
    function = make_function(probe_aws)
    source = PROBE + "\ndef handler(event, context):\n    return context.get_remaining_time_in_millis() > 20_000\n"
    code = function.client.update_function_code(FunctionName=function.name, ZipFile=zipped(source))
    time = function.client.update_function_configuration(FunctionName=function.name, Timeout=30)
    assert (code["LastUpdateStatus"], time["LastUpdateStatus"]) == ("Successful", "Successful")
    assert function.invoke().payload is True


def test_no_variables_from_chalice_are_no_change_of_them(probe_aws: Aws) -> None:
    """It sends an empty set for a function of which its config file says nothing; the rest of the request counts."""
    function = make_function(probe_aws, environment=_VARIABLES)
    as_chalice(probe_aws).update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {}}, Timeout=7
    )
    assert variables_of(function) == _VARIABLES
    assert function.client.get_function_configuration(FunctionName=function.name)["Timeout"] == 7


def test_variables_that_chalice_has_count(probe_aws: Aws) -> None:
    """Those of a config file that names some replace the others, as on AWS."""
    function = make_function(probe_aws, environment=_VARIABLES)
    as_chalice(probe_aws).update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"LIMIT": "9"}}
    )
    assert variables_of(function) == {"LIMIT": "9"}


def test_whoever_else_sends_no_variables_removes_them(probe_aws: Aws) -> None:
    """As on AWS."""
    function = make_function(probe_aws, environment=_VARIABLES)
    function.client.update_function_configuration(FunctionName=function.name, Environment={"Variables": {}})
    assert variables_of(function) == {}
