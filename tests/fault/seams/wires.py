"""The wires of a function: AWS's clients, the lock's connection, the payment gateway. A fault lasts for one block."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
type Send = Callable[[Any, Any], Any]


@contextmanager
def after_write(then: Callable[[], None]) -> Iterator[None]:
    """Does something once the first write of the block stands in DynamoDB, before its reply is read."""

    def send(original: Send, session: Any, request: Any) -> Any:
        response = original(session, request)
        if _operation(request) in _WRITES:
            then()
        return response

    with _sending(send):
        yield


@contextmanager
def dynamodb_throttles() -> Iterator[None]:
    """DynamoDB answers every request with its throttling error, which botocore's own retries meet too."""

    def send(original: Send, session: Any, request: Any) -> Any:
        return _throttled(request.url) if _operation(request) else original(session, request)

    with _sending(send):
        yield


@contextmanager
def dynamodb_replies_lost() -> Iterator[None]:
    """DynamoDB writes, and its reply never arrives, also when botocore asks again."""
    from botocore.exceptions import ReadTimeoutError  # noqa: PLC0415 - a function without AWS has no botocore yet

    def send(original: Send, session: Any, request: Any) -> Any:
        response = original(session, request)
        if _operation(request) in _WRITES:
            raise ReadTimeoutError(endpoint_url=request.url)
        return response

    with _sending(send):
        yield


@contextmanager
def lock_refuses() -> Iterator[None]:
    """No connection to the lock's server, not even one that was open."""
    from chalicelib.locking.link import Link, Unanswered  # noqa: PLC0415 - only the seat's functions have it
    from chalicelib.locking.verdicts import Trouble  # noqa: PLC0415 - as above

    def refuse(*_arguments: Any) -> None:
        raise Unanswered(Trouble.REFUSED, sent=False)

    with _replaced(Link, "__init__", refuse), _replaced(Link, "send", refuse):
        yield


@contextmanager
def lock_replies_lost() -> Iterator[None]:
    """The lock's server does what it is asked, and its replies never arrive."""
    from chalicelib.locking.link import Link, Unanswered  # noqa: PLC0415 - only the seat's functions have it
    from chalicelib.locking.verdicts import Trouble  # noqa: PLC0415 - as above

    original = Link.receive

    def lose(link: Any) -> None:
        original(link)  # so the server has carried it out before the next attempt
        raise Unanswered(Trouble.TIMED_OUT, sent=True)

    with _replaced(Link, "receive", lose):
        yield


@contextmanager
def gateway_silent(*, after_effect: bool) -> Iterator[None]:
    """The payment gateway gives no answer, having done what it was asked or not."""
    from chalicelib.payment.sandbox import SandboxGateway  # noqa: PLC0415 - only the payment function has it
    from chalicelib.shared.errors import PaymentOutcomeUnknown  # noqa: PLC0415 - as above

    def silent(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> None:
            if after_effect:
                original(*arguments)
            raise PaymentOutcomeUnknown("a fault of the matrix")

        return call

    gateway = SandboxGateway
    with (
        _replaced(gateway, "charge", silent(gateway.charge)),
        _replaced(gateway, "close", silent(gateway.close)),
    ):
        yield


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextmanager
def _sending(send: Callable[[Send, Any, Any], Any]) -> Iterator[None]:
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415 - a function without AWS has no botocore yet

    original = URLLib3Session.send

    def patched(session: Any, request: Any) -> Any:
        return send(original, session, request)

    with _replaced(URLLib3Session, "send", patched):
        yield


def _operation(request: Any) -> str:
    """DynamoDB's operation, or nothing if the request goes to another service."""
    target = request.headers.get("X-Amz-Target", b"")
    text = target.decode() if isinstance(target, bytes) else str(target)
    return text.partition(".")[2] if text.startswith("DynamoDB_") else ""


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_arguments: Any, **_options: Any) -> Iterator[bytes]:
        yield self._content


def _throttled(url: str) -> Any:
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415 - a function without AWS has no botocore yet

    name = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
    headers: Any = {"Content-Type": "application/x-amz-json-1.0"}
    content = json.dumps({"__type": name, "message": "a fault of the matrix"}).encode()
    return AWSResponse(url, 400, headers, _Body(content))
