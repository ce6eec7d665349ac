"""The course of one invocation in one process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from process_plugins import report
from process_plugins.pool import Dispatcher, Lease
from process_plugins.report import Outcome, Usage
from process_plugins.runtime_api import Connection, Kind, ProtocolError
from process_plugins.worker import Worker, WorkerExit


@dataclass(frozen=True)
class Event:
    """What is to be run."""

    request_id: str
    function_arn: str
    trace_id: str
    body: bytes
    version: str
    timeout_s: float
    memory_size_mb: int
    max_response_bytes: int


@dataclass(frozen=True)
class Answer:
    """How it went, and the whole log of it."""

    outcome: Outcome
    log: str


def run(
    event: Event, lease: Lease, dispatcher: Dispatcher, launch: Callable[[], Worker], init_timeout_s: float
) -> Answer:
    """Runs the event in the lease's worker, which is started first if there is none."""
    began_s = time.monotonic()
    init_s: float | None = None
    if lease.worker is not None and not lease.worker.is_alive():
        lease.worker.close()  # it ended while it was idle
        lease.worker = None
    if lease.worker is None:
        lease.worker = launch()
    worker = lease.worker
    try:
        ready = _wait_until_ready(worker, event, began_s, init_timeout_s)
        if lease.starting:
            dispatcher.started(lease)
            init_s = time.monotonic() - began_s
        if isinstance(ready, Connection):
            began_s = time.monotonic()
            outcome = _invoke(worker, event, ready)
        else:
            outcome = ready
    except WorkerExit as end:
        outcome = report.exited(event.request_id, end.status)
    except (ProtocolError, OSError) as error:
        outcome = report.broken(event.request_id, str(error))
    usage = Usage(time.monotonic() - began_s, init_s, event.memory_size_mb, worker.max_memory_mb())
    lease.reusable = outcome.reusable
    log = report.log_text(event.request_id, event.version, worker.output.take(), outcome, usage)
    return Answer(outcome, log)


def _wait_until_ready(worker: Worker, event: Event, began_s: float, init_timeout_s: float) -> Connection | Outcome:
    """The connection on which the process waits for an event, or what kept it from that."""
    message = worker.message({Kind.NEXT, Kind.INIT_ERROR}, began_s + init_timeout_s)
    if message is None:
        worker.kill_processes()
        return report.init_timed_out(event.request_id, init_timeout_s)
    if message.kind is Kind.INIT_ERROR:
        message.connection.accept()
        return report.init_failed(event.request_id, message.body)
    return message.connection


def _invoke(worker: Worker, event: Event, ready: Connection) -> Outcome:
    headers = {
        "Lambda-Runtime-Aws-Request-Id": event.request_id,
        "Lambda-Runtime-Deadline-Ms": str(int((time.time() + event.timeout_s) * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
        "Lambda-Runtime-Trace-Id": event.trace_id,
    }
    deadline_s = time.monotonic() + event.timeout_s
    ready.send_event(event.body, headers)
    message = worker.message({Kind.RESPONSE, Kind.ERROR}, deadline_s)
    if message is None:
        worker.kill_processes()
        return report.timed_out(event.request_id, event.timeout_s)
    if len(message.body) > event.max_response_bytes:
        return report.too_large(event.max_response_bytes)
    message.connection.accept()
    return Outcome(message.body, is_error=message.kind is Kind.ERROR, reusable=True)
