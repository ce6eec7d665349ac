"""The machine that the search for a browser asks, and how a browser is started on it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Protocol

from playwright.sync_api import Browser, Playwright

from leleka.paths import PROJECT

_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # a page that asks another host must fail everywhere
)
_START_S = 30

# What Playwright downloads belongs to this project and goes with `make clean`. Its driver reads this when it starts.
os.environ.setdefault("PLAYWRIGHT_BROWSERS_PATH", str(PROJECT / ".tools" / "browsers"))


class Machine(Protocol):
    """What the search asks of a machine."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment."""

    @property
    def is_root(self) -> bool:
        """Whether this may install packages by itself."""

    def which(self, name: str) -> str | None:
        """The program of this name on PATH."""

    def start(self, path: str | None, *, sandbox: bool) -> str:
        """Starts a browser, ends it, and returns its version. Raises PlaywrightError."""

    def run(self, command: list[str]) -> str | None:
        """Runs a command; None if it succeeded, otherwise its last words."""

    def say(self, text: str) -> None:
        """Tells whoever waits."""


def launch(playwright: Playwright, path: str | None, *, sandbox: bool) -> Browser:
    """Starts a browser without a window, with nothing that calls home."""
    return playwright.chromium.launch(
        executable_path=path, chromium_sandbox=sandbox, args=list(_FLAGS), timeout=_START_S * 1000
    )


class ThisMachine:
    """The machine that this runs on."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self.environ: Mapping[str, str] = os.environ
        self.is_root = os.geteuid() == 0
        self.which: Callable[[str], str | None] = shutil.which

    def start(self, path: str | None, *, sandbox: bool) -> str:
        """Starts a browser, ends it, and returns its version."""
        browser = launch(self._playwright, path, sandbox=sandbox)
        try:
            return browser.version
        finally:
            browser.close()

    def run(self, command: list[str]) -> str | None:
        """Runs a command that bounds itself; None if it succeeded, otherwise its last words."""
        return run(command)

    def say(self, text: str) -> None:
        """Tells whoever waits for make."""
        print(text, flush=True)  # noqa: T201 - this is a command


def run(command: list[str]) -> str | None:
    """Runs a command that bounds itself; None if it succeeded, otherwise its last words."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command lines
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else f"{_complaint_of(done.stdout)} (exit code {done.returncode})"


def _complaint_of(output: str) -> str:
    """The line that says what went wrong: the first that looks like an error, else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E: ", "Error", "sudo: "))]
    return (errors or lines[-1:] or ["it said nothing"])[0][:300]
