"""The cold starts' section of the page, and its chart."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.locks.chart import Bar, chart
from tests.benchmarks.locks.measures import Spread
from tests.benchmarks.performance.cases import Case
from tests.benchmarks.performance.cold_times import HELLO, ColdTimes
from tests.benchmarks.performance.packaged import Unzipped

_MB = 1_000_000
_LISTED = 10
_TEXT = Path(__file__).with_name("cold.md")


def section(times: ColdTimes, cases: Sequence[Case], code: Unzipped) -> str:
    """The section in Markdown."""
    told = {
        "ROUNDS": str(times.starts(cases[0].name)),
        "TABLE": "\n".join(_table(times, cases)),
        "ZIP": "\n".join(_zip(code)),
    }
    text = _TEXT.read_text()
    for name, value in told.items():
        text = text.replace(name, value)
    return text


def bars(times: ColdTimes, cases: Sequence[Case]) -> str:
    """The ratios as a chart, the largest first."""
    ratios = {case.name: times.ratio(case.name) for case in cases}
    ordered = sorted(ratios.items(), key=lambda one: -one[1].quartile)
    drawn = [Bar(name, Spread(ratio.quartile, ratio.low, ratio.high), ours=True) for name, ratio in ordered]
    return chart("Cold start: CPU time as a multiple of hello world's", drawn)


def _table(times: ColdTimes, cases: Sequence[Case]) -> Iterator[str]:
    yield "| Function | of hello world | medians' ratio | CPU, ms | on the clock, ms |"
    yield "|---|--:|--:|--:|--:|"
    cpu, wall = times.cpu_ms(HELLO), times.wall_ms(HELLO)
    yield f"| {HELLO} | 1 | 1 | {cpu.quartile:.0f} ({cpu.low:.0f} to {cpu.high:.0f}) | {wall.quartile:.0f} |"
    for case in cases:
        ratio, cpu, wall = times.ratio(case.name), times.cpu_ms(case.name), times.wall_ms(case.name)
        yield (
            f"| {case.name} | {ratio.quartile:.2f} ({ratio.low:.2f} to {ratio.high:.2f}) | {ratio.median:.2f} "
            f"| {cpu.quartile:.0f} ({cpu.low:.0f} to {cpu.high:.0f}) | {wall.quartile:.0f} |"
        )


def _zip(code: Unzipped) -> Iterator[str]:
    ordered = sorted(code.shares.items(), key=lambda one: -(one[1].compiled + one[1].others))
    listed, rest = ordered[:_LISTED], ordered[_LISTED:]
    compiled = sum(share.compiled for share in code.shares.values())
    yield f"{code.zip_bytes / _MB:.1f} MB, of which {compiled / _MB:.1f} MB are compiled modules: the same sources make"
    yield "the same bytes, and a process takes them without a look at the sources."
    yield ""
    yield "| Package | packed, kB | of it compiled, kB |"
    yield "|---|--:|--:|"
    for name, share in listed:
        yield f"| {name} | {(share.compiled + share.others) / 1000:,.0f} | {share.compiled / 1000:,.0f} |"
    others = sum(share.compiled + share.others for _, share in rest)
    yield f"| {len(rest)} others | {others / 1000:,.0f} | {sum(share.compiled for _, share in rest) / 1000:,.0f} |"
