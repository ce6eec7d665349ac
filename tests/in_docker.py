"""``make test-docker``: the functional tests against LocalStack and Valkey in Docker, which end with it."""

import os
import signal
import subprocess
import sys
from types import FrameType
from typing import NoReturn

from leleka.stack import StackConfig, StackError, temporary_stack
from leleka.terminal import EXIT_INTERRUPTED, say

FOLDER = "tests/functional"
LEFT_OUT = {
    "tests/functional/local_stack": "about the stack of processes: its executor, its DynamoDB, its start and end",
    "tests/functional/locking": "starts Valkeys of its own, freezes and kills them",
}
MARKS = "stack and not processes"
_LEFT_OUT_BESIDES = {
    "tests marked processes": "stop a server of the stack by its process id",
    "tests/e2e, tests/fault, tests/soak": "start stacks of their own, or need a browser",
    "tests that need no stack": "make test runs them",
}


def main() -> int:
    """Starts the stack, runs the tests, ends the stack; returns pytest's exit code, or 1 if there is no stack."""
    os.environ["LELEKA_STACK"] = "docker"
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    for what, why in {**LEFT_OUT, **_LEFT_OUT_BESIDES}.items():
        say(f"left out: {what}: {why}")
    ignored = [f"--ignore={folder}" for folder in LEFT_OUT]
    command = [sys.executable, "-m", "pytest", FOLDER, "-m", MARKS, *ignored]
    try:
        with temporary_stack(StackConfig.from_environment()):
            return subprocess.call(command)  # noqa: S603 - our own command line
    except StackError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt  # so that the stack is ended


if __name__ == "__main__":
    sys.exit(main())
