"""``python -m tests.fault [selfcheck]``: the whole matrix, or the proof that it can fail."""

import argparse
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.fault import check, outages, selfcheck
from tests.fault.cases import Case, Matrix, Result, matrix
from tests.fault.local import local
from tests.fault.report import Report
from tests.fault.run import WORKERS, Runner


def main() -> int:
    """1 if something broke, was skipped, or went unnoticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["matrix", "selfcheck"], default="matrix")
    parser.add_argument("--only", default="", help="a pattern for the names of the cases, or of the mutations")
    parser.add_argument("--workers", type=int, default=WORKERS, help="so many cases at a time")
    parser.add_argument("--page", type=Path, help="where the page of docs/ is written")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the stack and its folder go too
    # The folder's name is short: the stack's sockets lie in it.
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        if options.what == "selfcheck":
            return _selfcheck(Path(folder), options.only)
        return _matrix(Path(folder), options.only, options.workers, options.page)


def _matrix(folder: Path, only: str, workers: int, page: Path | None) -> int:
    began_s = time.monotonic()
    whole = matrix()
    chosen = Matrix([case for case in whole.cases if re.search(only, case.name)], whole.not_here, whole.unreached)
    with local(folder, workers) as made:
        runner = Runner(made, workers)
        tell = _teller(len(chosen.cases), began_s)
        results = _run(runner, chosen.cases, tell)
        last = list(check.of_everything(made, results))
    report = Report(chosen, results, last, time.monotonic() - began_s)
    if page and not only:
        page.write_text(report.page())
    _say(report.screen())
    _say(report.json())
    return 1 if report.violations or report.skipped else 0


def _run(runner: Runner, cases: list[Case], tell: "_Teller") -> list[Result]:
    """Outages first: what locks they leave behind end by their time while the others run."""
    away = [case for case in cases if case.trouble.outage]
    results = outages.run(runner, away, tell) if away else []
    return results + runner.run([case for case in cases if not case.trouble.outage], tell)


def _selfcheck(folder: Path, only: str) -> int:
    began_s, unnoticed, whole = time.monotonic(), 0, matrix()
    with local(folder, 3) as made:
        for mutation, results in selfcheck.run(Runner(made, 3), whole, only):
            found = selfcheck.noticed(results)
            unnoticed += not found
            _say(f"{'✓ noticed' if found else '✗ UNNOTICED'}  {mutation.name}")
            for result in found:
                _say(f"             by {result.case.name}: {result.violations[0][:200]}")
    _say(f"{unnoticed} unnoticed, {time.monotonic() - began_s:.0f} s")
    return 1 if unnoticed else 0


class _Teller:
    def __init__(self, cases: int, began_s: float) -> None:
        self._left, self._began_s = cases, began_s

    def __call__(self, result: Result) -> None:
        self._left -= 1
        sign = "✗" if result.violations else "✓"
        _say(f"{time.monotonic() - self._began_s:5.0f} s {sign} {result.case.name} ({self._left} to go)")
        for violation in result.violations:
            _say(f"          {violation}")


def _teller(cases: int, began_s: float) -> _Teller:
    return _Teller(cases, began_s)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    sys.exit(main())
