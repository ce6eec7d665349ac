"""The Chromium of the browser tests: one that is on this machine, else Playwright's own, else the distribution's.

``python -m tests.e2e.browser`` (``make browser``) finds or installs one and says which. A browser counts once it has
started. The tests themselves only look.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

from tests.e2e.machine import Machine, ThisMachine

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_NAMED = "LELEKA_CHROMIUM"
_OWN = "Playwright's own"
_DOWNLOAD_S = 180
_LISTS_S = 120
_PACKAGES_S = 300
_UNPACK_S = 300
_NOT_TRIED = "Not tried: snap, flatpak, and package managers other than apt-get and dnf."


class NoBrowserError(Exception):
    """There is no Chromium that starts; the message says what was tried and what to do."""


@dataclass(frozen=True)
class Chromium:
    """A Chromium that has started.

    Attributes:
        name: as the search names it.
        path: its program; None is Playwright's own.
        sandbox: whether it starts in its sandbox. Root can't have one, nor can many containers.
        version: as it says itself.
    """

    name: str
    path: str | None
    sandbox: bool
    version: str

    def __str__(self) -> str:
        return f"Chromium {self.version}, {self.name}" + ("" if self.sandbox else ", without its sandbox")


def find(machine: Machine) -> Chromium:
    """The first Chromium that starts; installs nothing.

    Raises:
        NoBrowserError: none does.
    """
    found = _search(machine)
    if isinstance(found, Chromium):
        return found
    raise NoBrowserError(_complaint(found))


def find_or_install(machine: Machine) -> Chromium:
    """The first Chromium that starts; installs one if there is none, unless one was named.

    Raises:
        NoBrowserError: none could be had.
    """
    done: list[str] = []
    found = _search(machine)
    for install in () if machine.environ.get(_NAMED) else (_download, _install_package):
        if isinstance(found, Chromium):
            return found
        done.append(install(machine))
        found = _search(machine)
    if isinstance(found, Chromium):
        return found
    raise NoBrowserError(_complaint([*done, *found]))


def _search(machine: Machine) -> Chromium | list[str]:
    """The first that starts, or why each did not."""
    tried = []
    for name, path in _candidates(machine):
        try:
            return _started(machine, name, path)
        except PlaywrightError as error:
            tried.append(f"{name}: {_first_line(str(error))}")
    return tried


def _candidates(machine: Machine) -> list[tuple[str, str | None]]:
    named = machine.environ.get(_NAMED)
    if named:
        return [(f"{named} ({_NAMED})", named)]
    on_path = [machine.which(name) for name in _NAMES]
    return [*((path, path) for path in on_path if path), (_OWN, None)]


def _started(machine: Machine, name: str, path: str | None) -> Chromium:
    if not machine.is_root:
        try:
            return Chromium(name, path, sandbox=True, version=machine.start(path, sandbox=True))
        except PlaywrightError:
            pass  # many containers give no sandbox; what is opened here is our own page
    return Chromium(name, path, sandbox=False, version=machine.start(path, sandbox=False))


def _download(machine: Machine) -> str:
    machine.say(f"no Chromium here; downloading {_OWN}, for at most {_DOWNLOAD_S} s")
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    failure = machine.run([*_bounded(_DOWNLOAD_S), *command])
    return f"playwright install: {failure or 'done'}"


def _install_package(machine: Machine) -> str:
    """Lists, download and unpacking apart: what is cut off while it downloads leaves no half-installed package."""
    manager = next((name for name in _COMMANDS if machine.which(name)), None)
    if manager is None:
        return "the distribution's package: neither apt-get nor dnf is here"
    if not machine.is_root and not machine.which("sudo"):
        return f"{manager} install chromium: this is not root, and there is no sudo"
    machine.say(f"installing the package chromium with {manager}")
    as_root = [] if machine.is_root else ["sudo", "-n"]
    for limit_s, words in _COMMANDS[manager]:
        command = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", *_bounded(limit_s), *words]
        failure = machine.run(command)
        if failure is not None:
            return f"{' '.join(words)}: {failure}"
    return f"{manager} install chromium: done"


def _bounded(limit_s: int) -> list[str]:
    """`timeout` ends the whole group of processes, and may do so when sudo has made them another user's."""
    return ["timeout", "-k", "10", str(limit_s)]


_APT = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=60"]
_APT_INSTALL = [*_APT, "install", "--yes", "--no-install-recommends"]
_COMMANDS: Mapping[str, list[tuple[int, list[str]]]] = {
    "apt-get": [
        (_LISTS_S, [*_APT, "update"]),
        (_PACKAGES_S, [*_APT_INSTALL, "--download-only", "chromium"]),
        (_UNPACK_S, [*_APT_INSTALL, "--no-download", "chromium"]),
    ],
    "dnf": [(_PACKAGES_S + _UNPACK_S, ["dnf", "install", "-y", "chromium"])],
}


def _complaint(tried: list[str]) -> str:
    lines = "".join(f"\n  {line}" for line in tried)
    return (
        f"no Chromium starts. Tried:{lines}\n  {_NOT_TRIED}\n"
        f"Install Chromium or Google Chrome, or name one in {_NAMED}, and run `make browser` again."
    )


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "it said nothing")


def main() -> int:
    """Finds or installs one, and says which."""
    with sync_playwright() as playwright:
        machine = ThisMachine(playwright)
        try:
            machine.say(f"browser tests: {find_or_install(machine)}")
        except NoBrowserError as error:
            print(error, file=sys.stderr)  # noqa: T201 - this is a command
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
