"""A warm function, in a process of the functions' own environment: what each invocation costs, I/O told apart.

Called as ``python -m … HANDLER EVENT INVOCATIONS REFUSAL``. AWS is answered where botocore hands a request to its
connection pool; the lock's server is a real one. Prints, as JSON, the CPU time of each invocation in nanoseconds:
``own``, and within botocore's calls ``aws``, and within the lock's sends and receives ``lock``.
"""

import importlib
import io
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import awslambdaric.bootstrap  # noqa: F401 - the runtime itself is there before any function

from tests.benchmarks.performance.canned import answer

_WARM_UP = 200

_spent_ns: Counter[str] = Counter()


class _Raw(io.BytesIO):
    """A body as botocore reads it from urllib3."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


def main() -> None:
    """Warms up, measures, prints."""
    handler, event, times, refusal = (
        sys.argv[1],
        json.loads(Path(sys.argv[2]).read_text()),
        int(sys.argv[3]),
        sys.argv[4],
    )
    told, sys.stdout = sys.stdout, open(os.devnull, "w", buffering=1)  # noqa: SIM115, PTH123 - for the process's life
    module, _, name = handler.rpartition(".")
    function = getattr(importlib.import_module(module), name)
    _answer_aws()
    _watch_lock()
    for _ in range(_WARM_UP):
        last = _invoked(function, event, refusal)
    measured: dict[str, list[int]] = {"own": [], "aws": [], "lock": []}
    for _ in range(times):
        _spent_ns.clear()
        began_ns = time.thread_time_ns()
        _invoked(function, event, refusal)
        took_ns = time.thread_time_ns() - began_ns
        measured["own"].append(took_ns - _spent_ns.total())
        for kind in ("aws", "lock"):
            measured[kind].append(_spent_ns[kind])
    print(json.dumps({"answer": last, **measured}, default=str), file=told)


def _invoked(function: Callable[[Any, Any], Any], event: Any, refusal: str) -> Any:
    context = SimpleNamespace(aws_request_id="1", function_name="bench", memory_limit_in_mb=512)
    try:
        return function(event, context)
    except Exception as error:
        if type(error).__name__ != refusal:
            raise
        return None


def _answer_aws() -> None:
    # By name, as the module has types that know none of this; and not before the function has imported botocore.
    response_type = importlib.import_module("botocore.awsrequest").AWSResponse
    client, pool = sys.modules["botocore.client"], sys.modules["botocore.httpsession"]

    def send(_: Any, request: Any) -> Any:
        target = request.headers.get("X-Amz-Target", b"")
        reply = answer(
            target.decode() if isinstance(target, bytes) else target, urlsplit(request.url).path, request.body
        )
        headers = {"Content-Type": reply.content_type, "Content-Length": str(len(reply.body))}
        return response_type(request.url, reply.status, headers, _Raw(reply.body))

    pool.URLLib3Session.send = send
    call = client.BaseClient._make_api_call
    client.BaseClient._make_api_call = _timed("aws", call)


def _watch_lock() -> None:
    link = sys.modules.get("chalicelib.locking.link")
    if link is not None:
        for name in ("send", "receive"):
            setattr(link.Link, name, _timed("lock", getattr(link.Link, name)))


def _timed(kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        began_ns = time.thread_time_ns()
        try:
            return call(*arguments, **named)
        finally:
            _spent_ns[kind] += time.thread_time_ns() - began_ns

    return timed


if __name__ == "__main__":
    main()
