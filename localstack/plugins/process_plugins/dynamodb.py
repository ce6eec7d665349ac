"""DynamoDB on the moto that LocalStack bundles, made atomic.

moto checks a condition and then writes, and its threads may come between the two: several writers can win the same
conditional write, which DynamoDB promises they can't. One lock around every call keeps that promise.
"""

import json
import threading
import time
from typing import Any

from localstack.aws.api import RequestContext, ServiceRequest, ServiceResponse
from localstack.aws.api.dynamodb import DynamodbApi, IdempotentParameterMismatchException
from localstack.aws.forwarder import ForwardingFallbackDispatcher
from localstack.services.moto import call_moto
from localstack.services.plugins import Service

from process_plugins import transactions

_TOKEN_LIFETIME_S = 600.0


class AtomicDynamoDbProvider(DynamodbApi):
    """Implements nothing itself: every operation falls through to moto."""


class OneAtATime:
    """Calls moto, one call after the other; the same transaction with the same token is carried out once."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._transactions: dict[tuple[str, str, str], tuple[float, str, ServiceResponse]] = {}

    def __call__(self, context: RequestContext, request: ServiceRequest) -> ServiceResponse:
        """As LocalStack's forwarders are called."""
        with self._lock:
            token = request.get("ClientRequestToken")
            if context.operation.name == "TransactWriteItems" and token:
                return self._transact_once((context.account_id, context.region, token), context, request)
            return call_moto(context)

    def _transact_once(
        self, key: tuple[str, str, str], context: RequestContext, request: ServiceRequest
    ) -> ServiceResponse:
        now_s = time.monotonic()
        # In the order of time, so the expired ones come first.
        while self._transactions and next(iter(self._transactions.values()))[0] < now_s - _TOKEN_LIFETIME_S:
            del self._transactions[next(iter(self._transactions))]
        text = json.dumps(request.get("TransactItems"), sort_keys=True, default=repr)
        if key in self._transactions:
            _, earlier_text, response = self._transactions[key]
            if earlier_text != text:
                raise IdempotentParameterMismatchException("The token was used with other parameters")
            return response
        response = call_moto(context)
        self._transactions[key] = (now_s, text, response)
        return response


def service() -> Any:
    """The service as LocalStack starts it."""
    transactions.install()
    call = OneAtATime()
    return Service.for_provider(
        AtomicDynamoDbProvider(), dispatch_table_factory=lambda provider: ForwardingFallbackDispatcher(provider, call)
    )
