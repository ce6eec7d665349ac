"""A secret is an encrypted parameter, or it is missing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from chalicelib.payment.secrets import SecretMissing, load_secret

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

NAME = "/leleka/test/stripe-key"


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator["SSMClient"]:
    """An empty parameter store."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("ssm", region_name="eu-central-1")


def test_a_secure_string_is_read(ssm: "SSMClient") -> None:
    """In clear, without the line end that a file leaves."""
    ssm.put_parameter(Name=NAME, Value="sk_test_1\n", Type="SecureString")
    assert load_secret(ssm, NAME) == "sk_test_1"


def test_a_secret_that_is_not_there_is_named(ssm: "SSMClient") -> None:
    """The operator learns which."""
    with pytest.raises(SecretMissing, match=NAME):
        load_secret(ssm, NAME)


def test_a_plain_parameter_is_no_secret(ssm: "SSMClient") -> None:
    """Whoever can list parameters could read it; and the message does not repeat it."""
    ssm.put_parameter(Name=NAME, Value="sk_test_1", Type="String")
    with pytest.raises(SecretMissing, match="SecureString") as missing:
        load_secret(ssm, NAME)
    assert "sk_test" not in str(missing.value)
