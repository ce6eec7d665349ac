"""Secrets come from SSM Parameter Store, encrypted there; never from a plain environment variable."""

from typing import TYPE_CHECKING

from chalicelib.shared.errors import LelekaError

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class SecretMissing(LelekaError):
    """The stage was deployed without this secret, or it is not a SecureString; the message names the parameter."""


def load_secret(client: "SSMClient", name: str) -> str:
    """Reads one SecureString.

    Raises:
        SecretMissing: there is no such parameter, it is empty, or it is not encrypted.
    """
    try:
        parameter = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    except client.exceptions.ParameterNotFound as missing:
        raise SecretMissing(f"there is no parameter {name}; create it as a SecureString") from missing
    if parameter.get("Type") != "SecureString":
        raise SecretMissing(f"the parameter {name} is not a SecureString; a secret must be encrypted")
    value = parameter.get("Value", "").strip()
    if not value:
        raise SecretMissing(f"the parameter {name} is empty")
    return value
