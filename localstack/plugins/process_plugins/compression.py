"""API Gateway compresses answers for an API that has a ``minimumCompressionSize``, as AWS does.

LocalStack 4.14 keeps the setting and does nothing with it.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gzip-compression-decompression.html
"""

import gzip
from typing import Any

from localstack.services.apigateway.next_gen.execute_api import gateway

_init = gateway.RestApiGateway.__init__


def compress_as_configured() -> None:
    """To be called before the first request to an API."""
    gateway.RestApiGateway.__init__ = _init_with_compression


def _init_with_compression(self: Any) -> None:
    _init(self)
    self.response_handlers.append(compress)


def compress(_chain: Any, context: Any, response: Any) -> None:
    """Compresses an answer that is large enough, for a client that accepts it, and only once."""
    least = context.deployment.rest_api.rest_api.get("minimumCompressionSize") if context.deployment else None
    body = response.data
    if least is None or len(body) < int(least) or "Content-Encoding" in response.headers:
        return
    if "gzip" not in context.request.headers.get("Accept-Encoding", ""):
        return
    response.data = gzip.compress(body, mtime=0)
    response.headers["Content-Encoding"] = "gzip"
