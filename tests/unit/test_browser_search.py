"""Where the browser tests get their Chromium from, on machines of every kind."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError

from tests.e2e.browser import NoBrowserError, find, find_or_install
from tests.e2e.machine import run

SYSTEM = "/usr/bin/chromium"


class FakeMachine:
    """A machine with programs on its PATH, of which some browsers start; commands may change that."""

    def __init__(self, *on_path: str, starts: tuple[str | None, ...] = (), is_root: bool = True) -> None:
        self.environ: dict[str, str] = {}
        self.is_root = is_root
        self.on_path = {Path(path).name: path for path in on_path}
        self.starts = set(starts)
        self.has_sandbox = True
        self.commands: list[str] = []
        self.effects: dict[str, Callable[[], None]] = {}
        self.failures: dict[str, str] = {}
        self.said: list[str] = []

    def which(self, name: str) -> str | None:
        """The program of this name on PATH."""
        return self.on_path.get(name)

    def start(self, path: str | None, *, sandbox: bool) -> str:
        """Starts what is said to start."""
        if path not in self.starts or (sandbox and not self.has_sandbox):
            raise PlaywrightError(f"{path} does not start\nand more lines")
        return "150.0"

    def run(self, command: list[str]) -> str | None:
        """Notes the command, and does what it is said to do."""
        line = " ".join(command)
        self.commands.append(line)
        for part, effect in self.effects.items():
            if part in line:
                effect()
        return next((failure for part, failure in self.failures.items() if part in line), None)

    def say(self, text: str) -> None:
        """Notes it."""
        self.said.append(text)

    def installs(self, path: str) -> Callable[[], None]:
        """What a package manager that brings this program does."""

        def effect() -> None:
            self.on_path[Path(path).name] = path
            self.starts.add(path)

        return effect


def test_a_browser_that_is_there_is_taken_as_it_is() -> None:
    """Nothing is installed."""
    machine = FakeMachine(SYSTEM, starts=(SYSTEM,))
    assert find_or_install(machine).path == SYSTEM
    assert machine.commands == []


def test_a_browser_that_does_not_start_is_passed_over() -> None:
    """Being on PATH is not enough."""
    chrome = "/opt/google-chrome-stable"
    machine = FakeMachine("/snap/chromium", chrome, starts=(chrome,))
    assert find(machine).path == chrome


def test_a_named_browser_is_the_only_one_tried() -> None:
    """Another one in its place would be a surprise, and so would an installation."""
    machine = FakeMachine(SYSTEM, "/usr/bin/apt-get", starts=(SYSTEM, None))
    machine.environ["LELEKA_CHROMIUM"] = "/opt/mine"
    with pytest.raises(NoBrowserError, match=r"/opt/mine \(LELEKA_CHROMIUM\): /opt/mine does not start\n"):
        find_or_install(machine)
    assert machine.commands == []
    machine.starts.add("/opt/mine")
    assert find_or_install(machine).path == "/opt/mine"


def test_looking_installs_nothing() -> None:
    """The fixture of the tests only looks; its error says which command installs."""
    machine = FakeMachine("/usr/bin/apt-get")
    with pytest.raises(NoBrowserError, match="make browser"):
        find(machine)
    assert machine.commands == []


def test_playwrights_own_is_downloaded_first() -> None:
    """No root is needed for it; the package manager is left alone."""
    machine = FakeMachine("/usr/bin/apt-get")
    machine.effects["playwright install"] = lambda: machine.starts.add(None)
    found = find_or_install(machine)
    assert (found.name, found.path) == ("Playwright's own", None)
    assert [command.split()[:3] for command in machine.commands] == [["timeout", "-k", "10"]]


def test_without_the_download_the_distribution_has_one() -> None:
    """Lists first, then the download, then the installation, none of which asks anything or lasts for ever."""
    machine = FakeMachine("/usr/bin/apt-get")
    machine.failures["playwright install"] = "Error: getaddrinfo ENOTFOUND"
    machine.effects["--no-download chromium"] = machine.installs(SYSTEM)
    assert find_or_install(machine).path == SYSTEM
    apt = machine.commands[1:]
    assert all(command.startswith("env DEBIAN_FRONTEND=noninteractive timeout -k 10 ") for command in apt)
    assert [command.split("Timeout=60 ")[1].split()[0] for command in apt] == ["update", "install", "install"]
    assert "--download-only" in apt[1]
    assert len(machine.said) == 2


def test_who_is_not_root_asks_sudo_without_a_password() -> None:
    """A question for a password would wait for ever."""
    machine = FakeMachine("/usr/bin/apt-get", "/usr/bin/sudo", is_root=False)
    machine.effects["--no-download chromium"] = machine.installs(SYSTEM)
    assert find_or_install(machine).path == SYSTEM
    assert all(command.startswith("sudo -n env ") for command in machine.commands[1:])


def test_what_fails_is_not_gone_on_with_and_all_of_it_is_said() -> None:
    """Lists that can't be read end the installation; the error names everything that was tried, and what to do."""
    machine = FakeMachine("/snap/chromium", "/usr/bin/apt-get")
    machine.failures = {"playwright install": "Error: no network", "update": "E: no lists"}
    with pytest.raises(NoBrowserError) as raised:
        find_or_install(machine)
    assert len(machine.commands) == 2
    for said in (
        "playwright install: Error: no network\n",
        "apt-get -qq -o DPkg::Lock::Timeout=60 update: E: no lists\n",
        "/snap/chromium: /snap/chromium does not start\n",
        "Playwright's own: None does not start\n",
        "Not tried: snap",
        "LELEKA_CHROMIUM",
    ):
        assert said in str(raised.value)


@pytest.mark.parametrize(
    ("on_path", "complaint"),
    [(["/usr/bin/apt-get"], "there is no sudo"), (["/usr/bin/sudo"], "neither apt-get nor dnf is here")],
)
def test_a_machine_that_can_install_nothing_is_told_so(on_path: list[str], complaint: str) -> None:
    """Neither root nor sudo; or no package manager that is known."""
    with pytest.raises(NoBrowserError, match=complaint):
        find_or_install(FakeMachine(*on_path, is_root=False))


@pytest.mark.parametrize(("is_root", "has_sandbox"), [(True, True), (False, True), (False, False)])
def test_the_sandbox_is_used_where_there_is_one(*, is_root: bool, has_sandbox: bool) -> None:
    """Root has none, and a container may have none for anybody."""
    machine = FakeMachine(SYSTEM, starts=(SYSTEM,), is_root=is_root)
    machine.has_sandbox = has_sandbox
    assert find(machine).sandbox == (has_sandbox and not is_root)


def test_a_command_that_fails_is_told_by_its_error(tmp_path: Path) -> None:
    """Not by the last line of a stack trace; and a program that isn't there is a failure like any other."""
    script = tmp_path / "fails"
    script.write_text("#!/bin/sh\necho reading; echo 'E: no such package' >&2; echo '  at line 3'; exit 100\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    assert run([str(script)]) == "E: no such package (exit code 100)"
    assert "No such file" in str(run([str(tmp_path / "nothing")]))
    assert run(["true"]) is None
