"""Runs inside a function's process: ties it to LocalStack's life, then hands over to AWS's own runtime client.

Called as ``python bootstrap.py LEASH HANDLER``. The leash is the reading end of a pipe whose only writing end is held
by LocalStack, and into which nothing is ever written. Imports nothing of this package: it runs in another environment.
"""

import fcntl
import os
import select
import signal
import sys


def hold_leash(leash: int) -> None:
    """Has the kernel kill this process group as soon as LocalStack is gone, however it went.

    A thread that waits for the end of the pipe would do so too, but not while a handler holds the interpreter's lock.
    """
    os.set_inheritable(leash, False)
    fcntl.fcntl(leash, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(leash, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(leash, fcntl.F_SETFL, fcntl.fcntl(leash, fcntl.F_GETFL) | os.O_ASYNC)
    # LocalStack may have gone before the kernel was told.
    # poll, since select refuses descriptors above 1,023, which a busy LocalStack hands out.
    poll = select.poll()
    poll.register(leash, select.POLLIN | select.POLLHUP)
    if poll.poll(0):
        os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    """Does not return before the function's process is to end."""
    leash, handler = int(sys.argv[1]), sys.argv[2]
    hold_leash(leash)
    sys.argv = sys.argv[:1]
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    from awslambdaric import bootstrap  # noqa: PLC0415 - the leash comes first
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient  # noqa: PLC0415 - as above

    bootstrap.run(handler, LambdaRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"]))


if __name__ == "__main__":
    main()
