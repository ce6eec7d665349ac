"""Keeps a Valkey running on a port, as an operator's supervisor would: one that dies is started anew, empty.

Run as ``python -m tests.soak.valkey_keeper PORT LOG_DIR DOWN_S``. Each start is a line with the server's process id on
standard output. It ends, with its server, when its standard input closes; the server also dies with it.
"""

import os
import select
import sys
from pathlib import Path

from leleka.stack.servers import start_valkey, valkey_answers, wait_until_up

_UP_S = 10.0


def main() -> None:
    """Starts the server again and again."""
    port, log_dir, down_s = int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    while True:
        server = start_valkey(port, log_dir)
        try:
            wait_until_up(server, lambda: valkey_answers(port), _UP_S)
            print(server.process.pid, flush=True)  # noqa: T201 - how it tells who started it
            ended, _, _ = select.select([sys.stdin, os.pidfd_open(server.process.pid)], [], [])
            if sys.stdin in ended or select.select([sys.stdin], [], [], down_s)[0]:
                return
        finally:
            server.process.kill()
            server.process.wait()


if __name__ == "__main__":
    main()
