"""Throughput over time as an SVG, with a mark for each fault; its colours can be read on light and dark grounds."""

from collections import Counter
from collections.abc import Sequence

BUCKET_S = 5
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 900, 300, 44, 40, 60
_CONFIRMED, _REFUSED, _GREY = "#2f9e6e", "#d9822b", "#757d87"
_FAULTS = {"function": "#8a63d2", "valkey killed": "#d64545", "valkey stopped": "#3d8bd9"}

type Mark = tuple[float, str]
"""When, in seconds since the beginning, and what: CONFIRMED, another status, or the name of a fault."""


def draw(endings: Sequence[Mark], faults: Sequence[Mark], seconds: float, title: str) -> str:
    """Bars of confirmed and refused bookings every five seconds, above a line of faults."""
    buckets = max(1, -(-int(seconds) // BUCKET_S))
    counted = Counter((min(int(at // BUCKET_S), buckets - 1), what == "CONFIRMED") for at, what in endings)
    highest = max((counted[at, True] + counted[at, False] for at in range(buckets)), default=0) or 1
    floor, step = _HEIGHT - _BOTTOM, (_WIDTH - _LEFT - 10) / buckets
    unit = (floor - _TOP) / highest
    parts = [_text(_LEFT, 16, title, 13), *_legend()]
    for mark in sorted({0, highest // 2, highest}):
        y = floor - mark * unit
        parts += [_line(_LEFT, y, _WIDTH - 10, y), _text(_LEFT - 6, y + 4, str(mark), 11, "end")]
    for at in range(buckets):
        x, confirmed, refused = _LEFT + at * step, counted[at, True] * unit, counted[at, False] * unit
        parts.append(_bar(x + 1, floor - confirmed, step - 2, confirmed, _CONFIRMED))
        parts.append(_bar(x + 1, floor - confirmed - refused, step - 2, refused, _REFUSED))
        if at % max(1, buckets // 12) == 0:
            parts.append(_text(x, floor + 34, f"{at * BUCKET_S} s", 11))
    for at_s, kind in faults:
        x = _LEFT + min(at_s / (buckets * BUCKET_S), 1) * (_WIDTH - _LEFT - 10)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{floor + 12}" r="3" fill="{_FAULTS[kind]}"><title>{kind}</title></circle>'
        )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" role="img">'
    )
    return "\n".join([head, f"<title>{title}</title>", *parts, "</svg>\n"])


def _legend() -> list[str]:
    entries = {"confirmed": _CONFIRMED, "refused": _REFUSED, **{f"fault: {kind}": c for kind, c in _FAULTS.items()}}
    parts, x = [], float(_LEFT)
    for name, colour in entries.items():
        parts += [_bar(x, _HEIGHT - 16, 10, 10, colour), _text(x + 14, _HEIGHT - 7, name, 11)]
        x += 40 + 6.2 * len(name)
    return parts


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}H{x2:.1f}" stroke="{_GREY}" stroke-opacity=".35"/>' if y1 == y2 else ""


def _text(x: float, y: float, text: str, size: int, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{_GREY}" text-anchor="{anchor}">{text}</text>'
