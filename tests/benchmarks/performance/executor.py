"""What the process executor adds to a handler: its own code, with a function of two lines, without LocalStack."""

import statistics
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from leleka.paths import PROJECT
from process_plugins.invocation import Answer, Event, run
from process_plugins.pool import Dispatcher, Pool
from process_plugins.settings import Settings
from process_plugins.worker import Launch, Worker

_WARM = 2_000
_COLD = 15
_PYTHON = PROJECT / "localstack" / ".runtime" / "bin" / "python"
_HELLO = """\
import time


def handler(event, context):
    began_ns = time.perf_counter_ns()
    return {"hello": event["name"], "own_ns": time.perf_counter_ns() - began_ns}
"""
_BODY = b'{"name": "Olena"}'


class Times(NamedTuple):
    """Milliseconds of many repeats."""

    median: float
    p99: float


@dataclass(frozen=True)
class Costs:
    """Attributes:
    overhead_ms: of a warm invocation, over the time that the handler saw.
    hello_ms: the first invocation of a new process, from its start to its answer.
    bare_ms: the same interpreter only importing AWS's runtime client, which is not ours, and ending.
    """

    overhead_ms: Times
    hello_ms: Times
    bare_ms: Times
    invocations: int = _WARM
    colds: int = _COLD


class _Executor:
    """The executor's parts, put together as LocalStack's plug-in does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settings = Settings(python=_PYTHON)
        self._dispatcher = Dispatcher(self._settings)
        self._code = folder / "code"
        self._code.mkdir()
        (self._code / "hello.py").write_text(_HELLO)

    def open(self) -> Pool:
        """A version of the function, without a process yet."""
        return self._dispatcher.open("hello", self._code)

    def close(self, pool: Pool) -> None:
        """Ends its processes."""
        self._dispatcher.close(pool)

    def invoke(self, pool: Pool) -> tuple[float, Answer]:
        """One invocation; how long it took in milliseconds."""
        began_s = time.perf_counter()
        event = Event(uuid.uuid4().hex, "arn:hello", "", _BODY, "$LATEST", 10.0, 512, 6_000_000)
        with self._dispatcher.lease(pool, "") as lease:
            answer = run(event, lease, self._dispatcher, self._launch, 30.0)
        took_ms = (time.perf_counter() - began_s) * 1000
        assert not answer.outcome.is_error, answer.outcome.payload
        return took_ms, answer

    def _launch(self) -> Worker:
        scratch_dir = self._folder / uuid.uuid4().hex
        environment = {"LAMBDA_TASK_ROOT": str(self._code), "HOME": str(scratch_dir), "PATH": "/usr/bin:/bin"}
        return Worker(Launch(_PYTHON, "hello.handler", self._code, scratch_dir, environment, 6_000_000, 1_000_000))


def measure() -> Costs:
    """Invokes warm, then with a new process each time."""
    with tempfile.TemporaryDirectory(prefix="leleka-bench-") as folder:
        executor = _Executor(Path(folder))
        return Costs(_overhead(executor), _cold(executor), _bare())


def _overhead(executor: _Executor) -> Times:
    pool = executor.open()
    try:
        executor.invoke(pool)
        return _times([_over(*executor.invoke(pool)) for _ in range(_WARM)])
    finally:
        executor.close(pool)


def _over(took_ms: float, answer: Answer) -> float:
    own_ns = int(answer.outcome.payload.rpartition(b":")[2].strip(b" }"))
    return took_ms - own_ns / 1_000_000


def _cold(executor: _Executor) -> Times:
    found = []
    for _ in range(_COLD):
        pool = executor.open()
        try:
            found.append(executor.invoke(pool)[0])
        finally:
            executor.close(pool)
    return _times(found)


def _bare() -> Times:
    found = []
    for _ in range(_COLD):
        began_s = time.perf_counter()
        subprocess.run(  # noqa: S603 - our own command line
            [_PYTHON, "-c", "from awslambdaric import bootstrap, lambda_runtime_client"], check=True, timeout=30
        )
        found.append((time.perf_counter() - began_s) * 1000)
    return _times(found)


def _times(values_ms: list[float]) -> Times:
    ordered = sorted(values_ms)
    return Times(statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))])
