"""DynamoDB on the moto that LocalStack bundles, made atomic.

moto checks a condition and then writes, and its threads may come between the two: several writers can win the same
conditional write, which DynamoDB promises they can't. One lock around every call keeps that promise.
"""

import threading
from typing import Any

from localstack.aws.api import RequestContext, ServiceRequest, ServiceResponse
from localstack.aws.api.dynamodb import DynamodbApi
from localstack.aws.forwarder import ForwardingFallbackDispatcher
from localstack.services.moto import call_moto
from localstack.services.plugins import Service

_one_at_a_time = threading.RLock()


class AtomicDynamoDbProvider(DynamodbApi):
    """Implements nothing itself: every operation falls through to moto."""


def _call_moto_atomically(context: RequestContext, _request: ServiceRequest) -> ServiceResponse:
    with _one_at_a_time:
        return call_moto(context)


def service() -> Any:
    """The service as LocalStack starts it."""
    return Service.for_provider(
        AtomicDynamoDbProvider(),
        dispatch_table_factory=lambda provider: ForwardingFallbackDispatcher(provider, _call_moto_atomically),
    )
