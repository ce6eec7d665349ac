"""Runs the checks, all or those that are named, beside each other; exits with 1 when one did not pass."""

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from leleka.checks.dependencies import check_dependencies
from leleka.checks.findings import Accepted, Answer, CheckError, Verdict, judge, load_accepted
from leleka.checks.source import check_code, check_openapi, check_secrets
from leleka.checks.state_machines import check_state_machines
from leleka.checks.template import check_template

CHECKS: dict[str, Callable[[], list[Answer]]] = {
    "template": check_template,
    "secrets": check_secrets,
    "dependencies": check_dependencies,
    "code": check_code,
    "state-machines": check_state_machines,
    "openapi": check_openapi,
}
REQUIRED = "LELEKA_AUDIT"
"""Environment: ``required`` makes it an error when a service that a tool asks did not answer."""
_AT_ONCE = 3


def main(names: list[str]) -> int:
    """Runs and prints; 0 if everything passed."""
    unknown = set(names) - CHECKS.keys()
    if unknown:
        sys.stderr.write(f"no check is called {', '.join(sorted(unknown))}; there are: {', '.join(CHECKS)}\n")
        return 2
    accepted = load_accepted()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        passed = list(pool.map(lambda name: _run(name, accepted), names or CHECKS))
    return 0 if all(passed) else 1


def _run(name: str, accepted: list[Accepted]) -> bool:
    began_s = time.monotonic()
    try:
        verdicts = [judge(answer, accepted) for answer in CHECKS[name]()]
    except CheckError as error:
        sys.stdout.write(f"✗ {name}: {error}\n")
        return False
    took_s = time.monotonic() - began_s
    sys.stdout.write("".join(_lines(verdict, took_s) for verdict in verdicts))
    return all(verdict.passed and not (verdict.answer.unasked and _required()) for verdict in verdicts)


def _required() -> bool:
    return os.environ.get(REQUIRED) == "required"


def _lines(verdict: Verdict, took_s: float) -> str:
    answer = verdict.answer
    lines = [f"{found.tool} {found.rule} {found.where}: {found.text}" for found in verdict.open]
    lines += [
        f"{entry.tool} {entry.rule} {entry.where} is accepted in infra/checks/accepted.yaml and is not found any more"
        for entry in verdict.idle
    ]
    if answer.unasked:
        lines.append(f"NOT AUDITED by {answer.tool}, neither passed nor failed: {answer.unasked}")
    mark = "✗" if not verdict.passed else "?" if answer.unasked else "✓"
    summary = f"{mark} {answer.tool}: {len(verdict.open)} findings, {verdict.accepted} accepted ({took_s:.0f} s)"
    return "\n".join([summary, *(f"  {line}" for line in lines), ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
