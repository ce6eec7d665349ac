"""What the lock files pin before pip-audit, which asks an advisory service.

pip-audit counts a version that the service does not know as skipped, says so in a table and exits with success. So a
registry's mirror without advisories, or a machine without a network, would look like a clean audit. Here that is an
answer of its own: not audited, and why.
"""

import os
import re
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from leleka.checks import tools
from leleka.checks.findings import Answer, CheckError, Finding
from leleka.paths import PROJECT

LOCK_FILES = (
    "requirements.lock",
    "functions/requirements.txt",
    "localstack/requirements.lock",
    "localstack/runtime.lock",
    "tests/benchmarks/requirements.lock",
    "infra/checks/requirements.lock",
)
OSV_URL = "LELEKA_OSV_URL"
"""Environment: an advisory service with OSV's interface that is asked in place of PyPI's, such as a mirror."""

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)
_SERVICE_TIMEOUT_S = "20"
_OPTIONS = (
    *("--format", "json", "--progress-spinner", "off", "--timeout", _SERVICE_TIMEOUT_S),
    *("--no-deps", "--disable-pip"),  # the pins are all there is; nothing is resolved or installed
)


_UNANSWERED = re.compile(r"could not connect|ConnectionError|Timeout|HTTPError|ServiceError", re.IGNORECASE)

type Pins = dict[tuple[str, str], list[str]]
"""The lock files in which a package stands, by its name and version."""


def check_dependencies(root: Path = PROJECT) -> list[Answer]:
    """Known vulnerabilities of all pins, by package and version.

    Raises:
        CheckError: a lock file pins nothing, or pip-audit broke.
    """
    pins = _pins(root)
    audited: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for file in _written(pins, Path(folder)):
            done = tools.tool("pip-audit", *_OPTIONS, *_service(), "--requirement", file)
            if not done.stdout.startswith("{"):
                return [_unanswered(tools.last_words(done))]
            audited += tools.said("pip-audit", done)["dependencies"]
    return [_answer(audited, pins)]


def _service() -> list[str]:
    url = os.environ.get(OSV_URL)
    return ["--vulnerability-service", "osv", "--osv-url", url] if url else []


def _pins(root: Path) -> Pins:
    pins: Pins = defaultdict(list)
    for name in LOCK_FILES:
        found = {(pin["name"].lower(), pin["version"]) for pin in _PIN.finditer((root / name).read_text())}
        if not found:
            raise CheckError(f"{name} pins nothing")
        for pin in found:
            pins[pin].append(name)
    return pins


def _written(pins: Pins, folder: Path) -> list[Path]:
    """The pins as files in each of which a package stands once, as pip-audit wants it; without markers, so that what
    only other machines install is audited, too."""
    versions: dict[str, list[str]] = defaultdict(list)
    for name, version in sorted(pins):
        versions[name].append(version)
    files = []
    for index in range(max(len(each) for each in versions.values())):
        lines = [f"{name}=={each[index]}\n" for name, each in versions.items() if index < len(each)]
        files.append(folder / f"{index}.txt")
        files[-1].write_text("".join(lines))
    return files


def _unanswered(words: str) -> Answer:
    gist = words.splitlines()[-1][:300]
    if not _UNANSWERED.search(words):
        raise CheckError(f"pip-audit broke: {words}")
    return Answer("pip-audit", unasked=f"no advisory service answered ({gist})")


def _answer(audited: list[dict[str, Any]], pins: Pins) -> Answer:
    findings = tuple(
        Finding("pip-audit", advisory["id"], f"{each['name']}=={each['version']}", _told(each, advisory, pins))
        for each in audited
        for advisory in each.get("vulns", [])
    )
    judged = sum("skip_reason" not in each for each in audited)
    if judged == len(pins):
        return Answer("pip-audit", findings)
    first = next((each["skip_reason"] for each in audited if "skip_reason" in each), "pip-audit left them out")
    unasked = f"the advisory service knows {judged} of {len(pins)} pins; {first}"
    return Answer("pip-audit", findings, unasked)


def _told(each: dict[str, Any], advisory: dict[str, Any], pins: Pins) -> str:
    names = ", ".join([advisory["id"], *advisory.get("aliases", [])])
    fixed = ", ".join(advisory.get("fix_versions", [])) or "no version"
    files = ", ".join(pins[(each["name"].lower(), each["version"])])
    return f"{names}; fixed in {fixed}; pinned in {files}"
