"""API Gateway tells a function from which address its request came, as AWS does.

LocalStack 4.14 says 127.0.0.1 of every request, in ``requestContext.identity.sourceIp``. Here it is the other end of
the connection, whatever the request's headers say.
"""

from typing import Any

from localstack.services.apigateway.next_gen.execute_api.handlers.parse import InvocationRequestParser

_create = InvocationRequestParser.create_context_variables


def tell_source_address() -> None:
    """To be called before the first request to an API."""
    InvocationRequestParser.create_context_variables = staticmethod(_create_with_source)


def _create_with_source(context: Any) -> Any:
    variables = _create(context)
    if context.request.remote_addr:
        variables["identity"]["sourceIp"] = context.request.remote_addr
    return variables
