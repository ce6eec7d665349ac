"""Writes docs/SCALE.md anew: ``python -m tests.benchmarks.performance.scale``."""

from leleka.paths import PROJECT
from tests.benchmarks.performance.scale.report import document

if __name__ == "__main__":
    (PROJECT / "docs" / "SCALE.md").write_text(document())
