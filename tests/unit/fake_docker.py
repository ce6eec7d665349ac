"""A program ``docker`` that keeps what it was asked for, and answers as a test wants."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

_SCRIPT = """#!/bin/sh
echo "$*" >> {calls}
[ "$1" = compose ] && echo "$LELEKA_GATEWAY_PORT $LELEKA_VALKEY_PORT" >> {ports}
case "$*" in
{cases}
esac
"""


@dataclass
class FakeDocker:
    """What it was asked for is in :meth:`calls`; ``cases`` are lines of a shell's ``case``."""

    folder: Path
    cases: list[str] = field(default_factory=list)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first ``docker`` on the path, and the only one."""
        script = self.folder / "docker"
        files = {"calls": self.folder / "calls", "ports": self.folder / "ports"}
        script.write_text(_SCRIPT.format(cases="\n".join(self.cases), **files))
        script.chmod(0o700)
        monkeypatch.setenv("PATH", f"{self.folder}:/usr/bin:/bin")

    def calls(self) -> list[str]:
        """Command lines, without the program, the project's folder, and the questions whether there is an engine."""
        try:
            lines = (self.folder / "calls").read_text().splitlines()
        except FileNotFoundError:
            return []
        asked = [line.split("docker-compose.yml ")[-1] for line in lines]
        return [line for line in asked if not line.startswith(("version", "compose version"))]

    def ports(self) -> set[str]:
        """What Compose was told of ports."""
        return set((self.folder / "ports").read_text().splitlines())
