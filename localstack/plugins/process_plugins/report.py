"""How an invocation ended, in the words of Lambda: payloads and log lines."""

import json
import math
import signal
from dataclasses import dataclass
from datetime import UTC, datetime

_SIGNALS = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGTERM: "terminated"}


@dataclass(frozen=True)
class Outcome:
    """What the caller gets, and what is logged besides the function's own output."""

    payload: bytes
    is_error: bool
    reusable: bool
    """Whether the process may serve another invocation."""
    status: str = ""
    """For the report line; empty when all went well."""
    note: str = ""
    """A line for the log, from Lambda rather than from the function."""


@dataclass(frozen=True)
class Usage:
    """The figures of the report line."""

    duration_s: float
    init_s: float | None
    memory_size_mb: int
    max_memory_mb: int


def timed_out(request_id: str, timeout_s: float) -> Outcome:
    """The function ran longer than it may."""
    message = f"Task timed out after {timeout_s:.2f} seconds"
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Outcome(
        _platform_error("Sandbox.Timedout", f"RequestId: {request_id} Error: {message}"),
        is_error=True,
        reusable=False,
        status="timeout",
        note=f"{now} {request_id} {message}",
    )


def init_timed_out(request_id: str, timeout_s: float) -> Outcome:
    """Importing the handler took longer than it may."""
    message = f"RequestId: {request_id} Error: Init timed out after {timeout_s:.2f} seconds"
    return Outcome(
        _platform_error("Sandbox.Timedout", message), is_error=True, reusable=False, status="timeout", note=message
    )


def exited(request_id: str, status: int) -> Outcome:
    """The process ended without an answer; ``status`` is negative for a signal."""
    if status == 0:
        reason = "Runtime exited without providing a reason"
    elif status > 0:
        reason = f"Runtime exited with error: exit status {status}"
    else:
        reason = f"Runtime exited with error: signal: {_SIGNALS.get(signal.Signals(-status), str(-status))}"
    message = f"RequestId: {request_id} Error: {reason}"
    return Outcome(
        _platform_error("Runtime.ExitError", message),
        is_error=True,
        reusable=False,
        status="error\tError Type: Runtime.ExitError",
        note=f"{message}\nRuntime.ExitError",
    )


def broken(request_id: str, reason: str) -> Outcome:
    """The process did what no Lambda runtime does, such as closing its connection."""
    message = f"RequestId: {request_id} Error: {reason}"
    return Outcome(
        _platform_error("Runtime.Unknown", message),
        is_error=True,
        reusable=False,
        status="error\tError Type: Runtime.Unknown",
        note=message,
    )


def init_failed(request_id: str, body: bytes) -> Outcome:
    """The handler could not be imported; ``body`` is what the runtime client reported."""
    try:
        error = json.loads(body)
    except ValueError:
        error = {"errorType": "Runtime.Unknown", "errorMessage": body.decode("utf-8", "replace")}
    error["requestId"] = request_id
    status = f"error\tError Type: {error.get('errorType', '')}"
    return Outcome(json.dumps(error).encode(), is_error=True, reusable=False, status=status)


def too_large(limit_bytes: int) -> Outcome:
    """The handler returned more than Lambda takes."""
    message = f"Response payload size exceeded maximum allowed payload size ({limit_bytes} bytes)."
    return Outcome(
        _platform_error("Function.ResponseSizeTooLarge", message),
        is_error=True,
        reusable=False,
        status="error\tError Type: Function.ResponseSizeTooLarge",
    )


def log_text(request_id: str, version: str, output: str, outcome: Outcome, usage: Usage) -> str:
    """The invocation's part of the log, in the order of Lambda."""
    duration_ms = usage.duration_s * 1000
    report = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {math.ceil(duration_ms)} ms",
        f"Memory Size: {usage.memory_size_mb} MB",
        f"Max Memory Used: {usage.max_memory_mb} MB",
        *([f"Init Duration: {usage.init_s * 1000:.2f} ms"] if usage.init_s is not None else []),
        *([f"Status: {outcome.status}"] if outcome.status else []),
    ]
    note = f"{outcome.note}\n" if outcome.note else ""
    start = f"START RequestId: {request_id} Version: {version}\n"
    return f"{start}{output}{note}END RequestId: {request_id}\n" + "\t".join(report) + "\n"


def _platform_error(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
