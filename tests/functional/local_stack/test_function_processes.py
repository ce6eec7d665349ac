"""Which process serves which invocation, and what it can see."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leleka.paths import PROJECT
from leleka.stack import RunningStack
from leleka.stack.process import ProcessId
from leleka.stage import Aws
from tests.functional.local_stack.functions import PROBE, Function, eventually, make_function, zipped

pytestmark = pytest.mark.stack


def test_simultaneous_invocations_have_processes_of_their_own(probe: Function) -> None:
    """As many as there are invocations, up to the limit."""
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: probe.invoke("sleep", seconds=1), range(4)))

    assert len({reply.payload for reply in replies}) == 4


def test_a_burst_beyond_the_limit_waits_and_is_served(probe: Function) -> None:
    """More invocations than processes: nobody is refused, and there are no more processes than allowed."""
    limit = max(4, 2 * (os.cpu_count() or 1))
    with ThreadPoolExecutor(5 * limit) as pool:
        replies = list(pool.map(lambda _: probe.invoke("sleep", seconds=0.2), range(5 * limit)))

    assert not any(reply.failed for reply in replies)
    assert len({reply.payload for reply in replies}) <= limit


def test_waiting_for_a_process_is_not_charged_to_the_functions_time(probe_aws: Aws) -> None:
    """The time-out is 2 s; the last in the queue waits longer than that, and still succeeds."""
    function = make_function(probe_aws, timeout_s=2)
    invocations = 3 * max(4, 2 * (os.cpu_count() or 1))
    with ThreadPoolExecutor(invocations) as pool:
        replies = list(pool.map(lambda _: function.invoke("sleep", seconds=1), range(invocations)))

    assert [reply.payload for reply in replies if reply.failed] == []


def test_a_process_that_died_while_idle_is_replaced(probe: Function) -> None:
    """Nobody sees an error when an idle process is killed."""
    pid = probe.invoke().payload
    process = ProcessId.of(pid)
    assert process
    process.signal(signal.SIGKILL)
    eventually(lambda: ProcessId.of(pid) is None)

    reply = probe.invoke()

    assert not reply.failed
    assert reply.payload != pid


def test_new_code_gets_a_new_process_and_the_old_one_ends(probe_aws: Aws) -> None:
    """After an update nothing of the old version answers."""
    function = make_function(probe_aws)
    old = ProcessId.of(function.invoke().payload)
    assert old

    function.client.update_function_code(FunctionName=function.name, ZipFile=zipped(PROBE + "\n# new\n"))
    function.client.get_waiter("function_updated_v2").wait(FunctionName=function.name)

    assert old.wait_until_gone(10)
    assert function.invoke().payload != old.pid


def test_a_deleted_function_leaves_no_process(probe_aws: Aws) -> None:
    """Deleting ends its processes."""
    function = make_function(probe_aws)
    process = ProcessId.of(function.invoke().payload)
    assert process

    function.client.delete_function(FunctionName=function.name)

    assert process.wait_until_gone(10)


def test_a_function_sees_its_own_surroundings_only(
    probe_aws: Aws, probe_stack: RunningStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither variables nor packages of the project or of LocalStack; what Lambda gives is there."""
    monkeypatch.setenv("LELEKA_SECRET", "not for functions")
    seen = make_function(probe_aws, environment={"SEATS_TABLE": "seats"}).invoke("surroundings").payload
    environment = seen["environment"]

    assert environment["SEATS_TABLE"] == "seats"
    assert environment["AWS_ENDPOINT_URL"] == probe_stack.gateway_url
    assert environment["LAMBDA_TASK_ROOT"] == seen["folder"] == seen["path"][0]
    assert environment["AWS_LAMBDA_FUNCTION_NAME"].startswith("probe-")
    assert {"PYTHONPATH", "LELEKA_SECRET", "GATEWAY_LISTEN", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"}.isdisjoint(
        environment
    )
    outside = [path for path in seen["path"] if path.startswith(str(PROJECT)) and "/localstack/.runtime/" not in path]
    assert outside == []
    assert environment["HOME"] != str(Path.home())
