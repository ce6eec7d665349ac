"""The stack ends as a whole, whichever of its processes ends first and however; and it says clearly why it can't start.

The processes of a stack are recorded while it runs, told apart by their start time, and looked for afterwards.
"""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from leleka.stack import RunningStack, StackConfig, StackError, find, start, stop, temporary_stack
from leleka.stack.process import ProcessId
from tests.functional.local_stack.functions import aws_of, eventually, make_function

pytestmark = pytest.mark.stack
_GONE_S = 15.0


@contextmanager
def _detached(state_dir: Path) -> Iterator[RunningStack]:
    """A detached stack that is stopped at the end, if the test left any of it."""
    config = StackConfig(state_dir)
    try:
        yield start(config)
    finally:
        stop(config)


def _busy_processes(running: RunningStack, folder: Path, do: str = "sleep") -> list[ProcessId]:
    """Invokes a function that will not end by itself; returns its process and the process that it started."""
    function = make_function(aws_of(running), timeout_s=300)
    pid_file = folder / "pids"
    invocation = threading.Thread(
        target=_invoke_in_vain, args=(function.invoke, do, {"seconds": 300, "pid_file": str(pid_file)}), daemon=True
    )
    invocation.start()
    pids = eventually(lambda: pid_file.exists() and pid_file.read_text())
    processes = [ProcessId.of(int(pid)) for pid in str(pids).split()]
    return [process for process in processes if process]


def _invoke_in_vain(invoke: object, do: str, event: dict[str, object]) -> None:
    try:
        invoke(do, **event)  # type: ignore[operator]  # a fixture that is called
    except Exception:  # noqa: BLE001 - LocalStack dies under it, which is the point
        return


def _assert_gone(processes: list[ProcessId]) -> None:
    assert [process.pid for process in processes if not process.wait_until_gone(_GONE_S)] == []


def test_a_stack_is_found_used_and_stopped(tmp_path: Path) -> None:
    """Both servers answer; afterwards no process, no record and no data is left, and stopping again does nothing."""
    config = StackConfig(tmp_path)
    running = start(config)
    processes = list(running.processes.values())
    try:
        assert find(config) == running
        assert start(config) == running, "starting again finds the one that runs"
        assert redis.Redis.from_url(running.valkey_url).ping()
        processes += _busy_processes(running, tmp_path)
    finally:
        assert stop(config)

    _assert_gone(processes)
    assert find(config) is None
    assert not stop(config)
    assert {path.name for path in tmp_path.iterdir()} <= {"logs", "lock", "pids"}


@pytest.mark.parametrize("victim", ["supervisor", "localstack", "valkey"])
def test_when_one_process_is_killed_all_others_end(tmp_path: Path, victim: str) -> None:
    """Even by SIGKILL, which lets nobody clean up; a function in the middle of its work and its child end too."""
    with _detached(tmp_path) as running:
        processes = [*running.processes.values(), *_busy_processes(running, tmp_path)]
        assert len(processes) == 5

        running.processes[victim].signal(signal.SIGKILL)

        _assert_gone(processes)
        assert find(StackConfig(tmp_path)) is None


def test_a_function_that_holds_the_interpreters_lock_ends_with_localstack(tmp_path: Path) -> None:
    """The end does not need the function's cooperation, not even a thread of it."""
    with _detached(tmp_path) as running:
        processes = _busy_processes(running, tmp_path, "hold the lock")

        running.processes["localstack"].signal(signal.SIGKILL)

        _assert_gone(processes)


def test_a_server_that_ends_by_itself_is_named(tmp_path: Path) -> None:
    """The record says which server ended, and where its log is."""
    with _detached(tmp_path) as running:
        running.processes["valkey"].signal(signal.SIGKILL)
        _assert_gone(list(running.processes.values()))

    error = (tmp_path / "error.txt").read_text()
    assert error.startswith("valkey ended by itself")
    assert str(tmp_path / "logs" / "valkey.log") in error


_OWNER = """
import sys, time
from pathlib import Path
from leleka.stack import StackConfig, start, temporary_stack
if sys.argv[2] == "temporary":
    with temporary_stack(StackConfig(Path(sys.argv[1]))):
        print("up", flush=True)
        time.sleep(300)
else:
    start(StackConfig(Path(sys.argv[1])))
"""


@contextmanager
def _owner(state_dir: Path, kind: str) -> Iterator["subprocess.Popen[str]"]:
    """Another process that starts a stack."""
    owner = subprocess.Popen(  # noqa: S603 - our own command line
        [sys.executable, "-c", _OWNER, str(state_dir), kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield owner
    finally:
        owner.kill()
        owner.wait()
        stop(StackConfig(state_dir))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_temporary_stack_ends_with_its_owner(tmp_path: Path, number: signal.Signals) -> None:
    """However the owner is ended."""
    with _owner(tmp_path, "temporary") as owner:
        assert owner.stdout
        assert owner.stdout.readline() == "up\n"
        running = find(StackConfig(tmp_path))
        assert running
        processes = [*running.processes.values(), *_busy_processes(running, tmp_path)]

        owner.send_signal(number)

        _assert_gone(processes)


def test_ctrl_c_during_the_start_leaves_nothing(tmp_path: Path) -> None:
    """The servers are on their way up when the signal comes."""
    config = StackConfig(tmp_path)
    with _owner(tmp_path, "detached") as owner:
        eventually(config.state_file.exists)
        started = _recorded(config)

        owner.send_signal(signal.SIGINT)

        assert owner.wait(30) != 0
        _assert_gone(started)
        assert find(config) is None
        assert not config.state_file.exists()


def _recorded(config: StackConfig) -> list[ProcessId]:
    recorded = json.loads(config.state_file.read_text())["processes"]
    return [ProcessId(**process) for process in recorded.values()]


def test_both_servers_listen_on_loopback_only(probe_stack: RunningStack) -> None:
    """Nobody else in the network gets an AWS that runs any code."""
    listening = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout  # noqa: S607 - found on the PATH
    addresses = [line.split()[3] for line in listening.splitlines()]

    for port in (probe_stack.gateway_port, probe_stack.valkey_port):
        assert [address for address in addresses if address.endswith(f":{port}")] == [f"127.0.0.1:{port}"]


def test_two_stacks_run_side_by_side(tmp_path: Path) -> None:
    """Two checkouts don't see each other's data."""
    with temporary_stack(StackConfig(tmp_path / "a")) as one, temporary_stack(StackConfig(tmp_path / "b")) as other:
        assert {one.gateway_port, one.valkey_port}.isdisjoint({other.gateway_port, other.valkey_port})
        aws_of(one).client("sqs").create_queue(QueueName="only-here")
        assert "QueueUrls" not in aws_of(other).client("sqs").list_queues()
        redis.Redis.from_url(one.valkey_url).set("key", "here")
        assert redis.Redis.from_url(other.valkey_url).get("key") is None


@pytest.mark.parametrize(("setting", "server"), [("gateway_port", "LocalStack"), ("valkey_port", "Valkey")])
def test_a_taken_port_is_named_in_one_line(tmp_path: Path, setting: str, server: str) -> None:
    """Nothing is started then, and the program that has the port keeps it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = StackConfig(
            tmp_path,
            gateway_port=port if setting == "gateway_port" else None,
            valkey_port=port if setting == "valkey_port" else None,
        )

        with pytest.raises(StackError) as caught:
            start(config)

    assert str(caught.value) == f"port {port}, meant for {server}, is taken by another program; nothing was started"
    assert find(config) is None


def test_a_second_stack_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    """The first one isn't disturbed."""
    config = StackConfig(tmp_path)
    with temporary_stack(config) as running:
        with pytest.raises(StackError, match="running in"), temporary_stack(config):
            pytest.fail("a second stack started")

        assert find(config) == running


def test_a_record_of_another_process_is_not_believed(tmp_path: Path) -> None:
    """A process id that the kernel gave to somebody else is neither taken for ours nor killed."""
    config = StackConfig(tmp_path)
    with subprocess.Popen(["sleep", "300"]) as stranger:  # noqa: S607 - found on the PATH
        try:
            entry = f'{{"pid": {stranger.pid}, "started_ticks": 1}}'
            config.state_file.write_text(
                f'{{"ready": true, "gateway_port": 1, "valkey_port": 2, "processes": {{"supervisor": {entry}}}}}'
            )

            assert find(config) is None
            stop(config)

            assert stranger.poll() is None
        finally:
            stranger.kill()
