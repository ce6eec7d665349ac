"""Calling another service's function and getting its typed refusal back."""

from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.shared import errors, log
from chalicelib.shared.errors import LelekaError, ServiceUnavailable
from chalicelib.shared.executions import ENVELOPE

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class RemoteFunctions:
    """The functions of the other services, called synchronously."""

    def __init__(self, client: "LambdaClient") -> None:
        self._client = client

    def call(self, function_name: str, command: Any) -> Any:
        """Invokes a function with one JSON object and returns its answer. It is told in which execution it works.

        Raises:
            LelekaError: what the function raised, of the same class.
            ServiceUnavailable: it crashed, timed out, was throttled, or could not be reached.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - after the client, not before

        given = {**msgspec.to_builtins(command), **_envelope()}
        try:
            response = self._client.invoke(FunctionName=function_name, Payload=msgspec.json.encode(given))
            payload = response["Payload"].read()
        except (BotoCoreError, ClientError) as error:
            raise ServiceUnavailable(f"{function_name} could not be called: {type(error).__name__}") from error
        if response.get("FunctionError"):
            raise _raised_there(function_name, payload)
        return msgspec.json.decode(payload)


def _envelope() -> dict[str, str]:
    execution_id = log.correlation().get(ENVELOPE)
    return {ENVELOPE: execution_id} if execution_id else {}


def _raised_there(function_name: str, payload: bytes) -> LelekaError:
    answer = msgspec.json.decode(payload)
    name, message = answer.get("errorType", ""), answer.get("errorMessage", "")
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, LelekaError):
        return kind(message)
    log.warning("a called function broke", called=function_name, error=name, detail=message)
    return ServiceUnavailable(f"{function_name} failed: {name or 'no error type'}")
