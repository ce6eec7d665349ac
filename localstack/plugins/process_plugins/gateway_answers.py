"""API Gateway's own answers look as the API says, as on AWS: status, headers and body of its gateway responses.

LocalStack 4.14 keeps gateway responses and takes nothing but the status from them.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
"""

import json
from typing import Any

from localstack.services.apigateway.next_gen.execute_api.gateway_response import get_gateway_response_or_default
from localstack.services.apigateway.next_gen.execute_api.handlers.gateway_exception import GatewayExceptionHandler

_HEADER = "gatewayresponse.header."
_TEMPLATE = "application/json"
_plain = GatewayExceptionHandler.create_exception_response


def answer_as_configured() -> None:
    """To be called before the first request to an API."""
    GatewayExceptionHandler.create_exception_response = _configured


def _configured(self: Any, exception: Any, context: Any) -> Any:
    answer = _plain(self, exception, context)
    configured = get_gateway_response_or_default(exception.type, context.deployment.rest_api.gateway_responses) or {}
    for name, value in configured.get("responseParameters", {}).items():
        if name.startswith(_HEADER) and value.startswith("'"):  # other values map parts of the request
            answer.headers[name.removeprefix(_HEADER)] = value[1:-1]
    if configured.get("responseParameters"):  # otherwise the template is the usual one, which LocalStack knows
        template = configured.get("responseTemplates", {}).get(_TEMPLATE, "")
        answer.data = template.replace("$context.error.messageString", json.dumps(exception.message))
    return answer
