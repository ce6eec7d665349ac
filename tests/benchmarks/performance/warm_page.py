"""The warm invocations' section of the page."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.benchmarks.performance.warm_times import Warm

_TEXT = Path(__file__).with_name("warm.md")


def section(found: Mapping[str, Warm], invocations: int) -> str:
    """The section in Markdown."""
    told = {"INVOCATIONS": f"{invocations:,}", "TABLE": "\n".join(_table(found))}
    text = _TEXT.read_text()
    for name, value in told.items():
        text = text.replace(name, value)
    return text


def _table(found: Mapping[str, Warm]) -> Iterator[str]:
    yield "| Function | own, p50 | own, p99 | within botocore, p50 | within the lock's link, p50 |"
    yield "|---|--:|--:|--:|--:|"
    for name, times in found.items():
        own = f"{times.own.median:,.0f} ({times.own.low:,.0f} to {times.own.high:,.0f})"
        lock = f"{times.lock:,.0f}" if times.lock else ""
        yield f"| {name} | {own} | {times.own_p99:,.0f} | {times.aws:,.0f} | {lock} |"
