"""What a caller gets when a function succeeds, fails, runs too long or dies: the same as from Lambda."""

import os
import time

import pytest

from leleka.stack.process import ProcessId
from leleka.stage import Aws
from tests.functional.local_stack.functions import Function, make_function

pytestmark = pytest.mark.stack


def test_a_warm_process_serves_the_next_invocation(probe: Function) -> None:
    """Two invocations, one after the other, run in the same process."""
    assert probe.invoke().payload == probe.invoke().payload


def test_an_exception_is_reported_with_type_message_and_trace(probe: Function) -> None:
    """Step Functions tells errors apart by the exception's class name."""
    reply = probe.invoke("raise", message="seat 12A is taken")

    assert reply.failed
    assert reply.payload["errorType"] == "SeatTaken"
    assert reply.payload["errorMessage"] == "seat 12A is taken"
    assert reply.payload["requestId"] == reply.request_id
    assert "in _raise" in reply.payload["stackTrace"][-1]


def test_a_process_survives_its_handlers_exception(probe: Function) -> None:
    """As on Lambda, an exception costs no cold start."""
    before = probe.invoke().payload
    probe.invoke("raise", message="x")

    assert probe.invoke().payload == before


def test_a_function_that_runs_too_long_is_killed_with_its_children(probe_aws: Aws, tmp_path: os.PathLike[str]) -> None:
    """The report is Lambda's, it comes on time, and neither the process nor what it started lives on."""
    function = make_function(probe_aws, timeout_s=1)
    pid_file = f"{os.fspath(tmp_path)}/pids"
    began_s = time.monotonic()

    reply = function.invoke("sleep", seconds=60, pid_file=pid_file)

    assert 1.0 <= time.monotonic() - began_s < 5.0
    assert reply.failed
    assert reply.payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {reply.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert f"{reply.request_id} Task timed out after 1.00 seconds" in reply.log
    with open(pid_file) as pids:  # noqa: PTH123 - the name is text from the event
        assert [ProcessId.of(int(pid)) for pid in pids.read().split()] == [None, None]


def test_after_a_timeout_the_next_invocation_gets_a_new_process(probe_aws: Aws) -> None:
    """A broken process is never used again."""
    function = make_function(probe_aws, timeout_s=1)
    before = function.invoke().payload
    function.invoke("sleep", seconds=60)

    assert function.invoke().payload != before


def test_a_timeout_comes_although_the_handler_holds_the_interpreters_lock(probe_aws: Aws) -> None:
    """The limit is enforced from outside the process."""
    reply = make_function(probe_aws, timeout_s=1).invoke("hold the lock")

    assert reply.payload["errorType"] == "Sandbox.Timedout"


@pytest.mark.parametrize(
    ("do", "status", "reason"),
    [
        ("sys.exit", 1, "Runtime exited with error: exit status 1"),
        ("sys.exit", 0, "Runtime exited without providing a reason"),
        ("os._exit", 7, "Runtime exited with error: exit status 7"),
        ("kill", None, "Runtime exited with error: signal: killed"),
    ],
)
def test_a_process_that_ends_is_reported_as_such(probe: Function, do: str, status: int | None, reason: str) -> None:
    """However a process ends, the caller gets Runtime.ExitError, and the next invocation a new process."""
    before = probe.invoke().payload

    reply = probe.invoke(do, status=status)

    assert reply.failed
    assert reply.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {reply.request_id} Error: {reason}",
    }
    assert probe.invoke().payload != before


def test_a_missing_requirement_fails_although_the_project_has_it(probe_aws: Aws) -> None:
    """`rich` is in the project's environment and in neither Lambda's nor the zip."""
    reply = make_function(probe_aws, "import rich\n").invoke()

    assert reply.failed
    assert reply.payload["errorType"] == "Runtime.ImportModuleError"
    assert reply.payload["errorMessage"] == "Unable to import module 'probe': No module named 'rich'"
    assert "Runtime.ImportModuleError" in reply.log


def test_a_module_that_exits_on_import_is_reported(probe_aws: Aws) -> None:
    """A process may end before it asks for its first invocation."""
    reply = make_function(probe_aws, "import sys; sys.exit(3)\n").invoke()

    assert reply.payload["errorType"] == "Runtime.ExitError"
    assert reply.payload["errorMessage"].endswith("exit status 3")


def test_the_largest_response_passes_and_a_larger_one_does_not(probe: Function) -> None:
    """Lambda's limit is 6 MB and a little."""
    limit_bytes = 6 * 1024 * 1024 + 100
    fits = probe.invoke("return", bytes=limit_bytes - 2)
    too_large = probe.invoke("return", bytes=limit_bytes - 1)

    assert not fits.failed
    assert len(fits.payload) == limit_bytes - 2
    assert too_large.failed
    assert too_large.payload["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_large_event_arrives(probe: Function) -> None:
    """An event of 5 MB is neither cut nor refused."""
    assert not probe.invoke(padding="y" * 5_000_000).failed


def test_the_context_tells_time_and_memory_left(probe: Function) -> None:
    """Handlers plan with the time that is left."""
    time_left_ms, memory_mb = probe.invoke("time left").payload

    assert 5_000 < time_left_ms <= 10_000
    assert memory_mb == 128
