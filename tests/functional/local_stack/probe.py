"""The function that the tests run in LocalStack. It ships alone: it imports nothing but the standard library."""
# ruff: noqa: T201, S603, S607 - it prints because its output is what is tested, and starts programs to have children

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

print("probe is imported")


class SeatTaken(Exception):
    """An error of the function's own."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Does what the event says under "do"."""
    if "pid_file" in event:
        child = subprocess.Popen(["sleep", "300"])
        new = Path(event["pid_file"] + ".new")
        new.write_text(f"{os.getpid()} {child.pid}")
        new.rename(event["pid_file"])
    return _ACTIONS[event.get("do", "pid")](event, context)


def _raise(event: dict[str, Any], _context: Any) -> None:
    raise SeatTaken(event["message"])


def _sleep(event: dict[str, Any], _context: Any) -> int:
    time.sleep(event["seconds"])
    return os.getpid()


def _print(event: dict[str, Any], context: Any) -> str:
    print(f"stdout of {event['word']}")
    print(f"stderr of {event['word']}", file=sys.stderr)
    subprocess.run(["echo", f"child of {event['word']}"], check=True)
    sys.stdout.write(f"unfinished line of {event['word']}")
    return str(context.aws_request_id)


def _flood(event: dict[str, Any], _context: Any) -> None:
    for _ in range(event["lines"]):
        print("x" * 99)


def _surroundings(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return {"environment": dict(os.environ), "path": sys.path, "folder": str(Path.cwd())}


def _time_left(_event: dict[str, Any], context: Any) -> list[int]:
    return [context.get_remaining_time_in_millis(), int(context.memory_limit_in_mb)]


_ACTIONS: dict[str, Any] = {
    "pid": lambda _event, _context: os.getpid(),
    "raise": _raise,
    "sleep": _sleep,
    "print": _print,
    "flood": _flood,
    "surroundings": _surroundings,
    "time left": _time_left,
    "sys.exit": lambda event, _context: sys.exit(event["status"]),
    "os._exit": lambda event, _context: os._exit(event["status"]),
    "kill": lambda _event, _context: os.kill(os.getpid(), signal.SIGKILL),
    "return": lambda event, _context: "x" * event["bytes"],
    # Backtracks for ages without ever letting go of the interpreter's lock.
    "hold the lock": lambda _event, _context: re.match(r"(a+)+$", "a" * 60 + "b"),
}
