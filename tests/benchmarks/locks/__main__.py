"""One run: storms and a frozen node on all cores, then the interleaved rounds on one; writes the document."""

import logging
import random
import tempfile
import time
from pathlib import Path

from leleka.paths import PROJECT
from tests.benchmarks.locks import children
from tests.benchmarks.locks.entries import ENTRIES, FIVE_NODES, NAMES
from tests.benchmarks.locks.interleaved import Interleaved
from tests.benchmarks.locks.machine import facts
from tests.benchmarks.locks.measures import Frozen, Spread, Storms, last_line, summary
from tests.benchmarks.locks.nodes import nodes, one_core
from tests.benchmarks.locks.report import ENOUGH_OF_A_CORE, Run, document

DOCS = PROJECT / "docs"


def main() -> None:
    """Runs, writes the document and its chart, and prints the numbers as the last line."""
    logging.disable(logging.CRITICAL)  # some locks log each refusal
    seed = random.SystemRandom().getrandbits(32)
    _say(f"seed {seed}")
    start_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="leleka-bench-") as logs:
        run = _run(seed, Path(logs))
    numbers = summary(run.results, NAMES)
    text, chart = document(run, ENTRIES, NAMES, numbers)
    DOCS.mkdir(exist_ok=True)
    (DOCS / "LOCK_BENCHMARK.md").write_text(text)
    (DOCS / "lock_benchmark.svg").write_text(chart)
    if run.results.core_share < ENOUGH_OF_A_CORE:
        _say("other programs ran on the core, which distorts the speeds: run it again when the machine is idle")
    _say(f"{time.monotonic() - start_s:.0f} s; docs/LOCK_BENCHMARK.md")
    _say(last_line(numbers))


def _run(seed: int, logs: Path) -> Run:
    with nodes(logs / "all-cores") as free:
        storms = {entry.name: _told(entry.name, children.storms(entry, free)) for entry in FIVE_NODES}
        frozen = {entry.name: _told(entry.name, children.frozen(entry, free)) for entry in FIVE_NODES}
    with one_core(), nodes(logs / "one-core") as pinned:
        results = Interleaved(ENTRIES, pinned, seed).run()
        for entry in ENTRIES:
            _told(entry.name, results.pairs.took_us(entry.name))
        results.storms, results.frozen = storms, frozen
        return Run(results, seed, facts(pinned.version()))


def _told[T: (Spread, Storms, Frozen)](name: str, result: T) -> T:
    _say(f"{name}: {result}")
    return result


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command's output


if __name__ == "__main__":
    main()
