"""Updates of functions as ``chalice deploy`` needs them, where something else made the functions, say CloudFormation.

Chalice 1.34 sends a function's whole configuration with each update. Where its config file names no environment
variables it sends an empty set, which would wipe those that the function was made with; so an empty set that comes from
Chalice changes nothing. And it looks only every five seconds whether an update is over, twice for each function; so the
answer to an update comes when it is over. LocalStack has the latter for new functions (LAMBDA_SYNCHRONOUS_CREATE).
"""

import functools
import time
from collections.abc import Callable
from typing import Any

from localstack.services.lambda_.provider import LambdaProvider

_WAIT_S = 10.0
_POLL_S = 0.01


def as_chalice_needs_them() -> None:
    """To be called before the first request to Lambda."""
    for name in ("update_function_code", "update_function_configuration"):
        setattr(LambdaProvider, name, _changed(getattr(LambdaProvider, name)))


def _changed(update: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(update)
    def changed(self: Any, context: Any, request: Any) -> Any:
        answer = update(self, context, keep_variables(context.request.headers.get("User-Agent", ""), request))
        return answer if request.get("Publish") else _when_over(self, context, request["FunctionName"])

    return changed


def keep_variables(user_agent: str, request: dict[str, Any]) -> dict[str, Any]:
    """The request without the empty set of variables that Chalice sends."""
    empty = "Environment" in request and not request["Environment"].get("Variables")
    if not (empty and user_agent.startswith("aws-chalice/")):
        return request
    return {name: value for name, value in request.items() if name != "Environment"}


def _when_over(provider: Any, context: Any, function_name: str) -> Any:
    until_s = time.monotonic() + _WAIT_S
    while True:
        function = provider.get_function_configuration(context, function_name)
        if function.get("LastUpdateStatus") != "InProgress" or time.monotonic() > until_s:
            return function
        time.sleep(_POLL_S)
