"""Where LocalStack's time goes: py-spy looks from outside, fifty times a second, who has the interpreter."""

import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_RATE_HZ = 50
_END_TIMEOUT_S = 60
_SHOWN = 8
_SERVICE = re.compile(r"/(?:localstack/services|moto)/(?!core/|utilities/)(\w+)/")
_WAY = re.compile(r"/(?:localstack/aws|rolo|twisted|werkzeug)/")
_PACKAGE = re.compile(r"/site-packages/(\w+)|/(process_plugins)/")
_WAY_NAME = "requests' way in and out"


@dataclass
class Profile:
    """Samples in which a thread had the interpreter.

    Attributes:
        services: on whose behalf, by LocalStack's name of the service.
        packages: whose code was running.
        why_not: py-spy's first words, if it could not look; many a Linux lets only root look at another process.
    """

    services: Counter[str] = field(default_factory=Counter)
    packages: Counter[str] = field(default_factory=Counter)
    why_not: str = ""

    def take(self, stacks: Iterable[str]) -> None:
        """Counts stacks in py-spy's raw form: frames from the outermost on, semicolons between, and how often."""
        for line in stacks:
            stack, _, times = line.rpartition(" ")
            frames = stack.split(";")
            self.services[_service(frames)] += int(times)
            self.packages[_package(frames)] += int(times)


@contextmanager
def sampled(pid: int) -> Iterator[Profile]:
    """Looks at the process while the block runs; the profile is complete after it."""
    found = Profile()
    with tempfile.TemporaryDirectory(prefix="leleka-profile-") as folder:
        out = Path(folder) / "stacks"
        # Without pausing it: a stack that is read while it changes is left out.
        how = ["--rate", str(_RATE_HZ), "--nonblocking", "--gil", "--full-filenames", "--format", "raw"]
        looking = subprocess.Popen(  # noqa: S603 - our own command line
            [Path(sys.executable).with_name("py-spy"), "record", "--pid", str(pid), "--output", str(out), *how],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield found
            looking.send_signal(signal.SIGINT)
            _, said = looking.communicate(timeout=_END_TIMEOUT_S)
        finally:
            looking.kill()
        if out.exists():
            found.take(out.read_text().splitlines())
        if not found.services:
            found.why_not = " ".join(said.split())[:200] or "py-spy saw nothing"


def profile_table(found: Profile) -> Iterator[str]:
    """The largest shares, for whom and by whose code; or why there are none."""
    if found.why_not:
        yield f"*Not looked at in this run: {found.why_not}*"
        return
    yield "| for | of LocalStack's time | whose code | of LocalStack's time |"
    yield "|---|--:|---|--:|"
    for service, package in zip(_largest(found.services), _largest(found.packages), strict=True):
        yield f"| {service[0]} | {service[1]} | {package[0]} | {package[1]} |"


def _largest(counted: Counter[str]) -> list[tuple[str, str]]:
    shown = counted.most_common(_SHOWN)
    rest = counted.total() - sum(times for _, times in shown)
    lines = [(name, f"{times / counted.total():.0%}") for name, times in shown]
    lines += [("", "")] * (_SHOWN - len(lines))
    return [*lines, ("others", f"{rest / counted.total():.0%}")]


def _service(frames: list[str]) -> str:
    """The service that the innermost of its frames is of."""
    for frame in reversed(frames):
        if found := _SERVICE.search(frame):
            return found[1].strip("_")
    return _WAY_NAME if any(_WAY.search(frame) for frame in frames) else "none of these"


def _package(frames: list[str]) -> str:
    """The package that the innermost of its frames is of; what it calls of Python's library is its own doing."""
    for frame in reversed(frames):
        if found := _PACKAGE.search(frame):
            return str(found[1] or found[2])
    return "Python's own library"
