"""The bars of the document, as SVG: a few lines, and the same text for the same numbers."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from tests.benchmarks.locks.measures import Spread

_WIDTH, _LABELS, _ROW, _TOP, _VALUE = 760, 290, 22, 34, 120
# Greys and a blue that stand out on white and on near-black alike; a page's theme needn't be the system's.
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #6e7781 }
.title { font-weight: 600 }
.ours { fill: #2f81f7 }
.peer { fill: #8b949e }
.one { stroke: #6e7781; stroke-dasharray: 3 3 }
"""


class Bar(NamedTuple):
    """One bar: its length is the median."""

    label: str
    speed: Spread
    ours: bool


def chart(title: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars, with a dashed line at 1."""
    scale = (_WIDTH - _LABELS - _VALUE) / max(bar.speed.median for bar in bars)
    height = _TOP + _ROW * len(bars) + 8
    one = _LABELS + scale
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="8" y="20">{escape(title)}</text>',
        *[_row(bar, _TOP + _ROW * index, scale) for index, bar in enumerate(bars)],
        f'<line class="one" x1="{one:.1f}" x2="{one:.1f}" y1="{_TOP - 4}" y2="{height - 8}"/>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _row(bar: Bar, top: int, scale: float) -> str:
    length = bar.speed.median * scale
    kind = "ours" if bar.ours else "peer"
    return (
        f'<text x="{_LABELS - 8}" y="{top + 13}" text-anchor="end">{escape(bar.label)}</text>'
        f'<rect class="{kind}" x="{_LABELS}" y="{top + 2}" width="{length:.1f}" height="15" rx="2"/>'
        f'<text x="{_LABELS + length + 6:.1f}" y="{top + 13}">{bar.speed.median:.2f}</text>'
    )
