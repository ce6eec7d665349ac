"""What a part of the benchmark hands over, from its own process to the one that writes the page."""

import argparse
from collections.abc import Callable
from pathlib import Path

import msgspec


class Part(msgspec.Struct, frozen=True):
    """One part's results.

    Attributes:
        figures: numbers of the last line, by their names there.
        section: the part's section of the page, Markdown, from its ``## `` heading on.
        charts: SVG texts by file name; the section shows them as ``performance/<name>``.
        spreads: how far a figure's rounds were apart, in words; a figure without is a count.
    """

    figures: dict[str, float]
    section: str
    charts: dict[str, str] = {}
    spreads: dict[str, str] = {}


def hand_over(measure: Callable[[], Part]) -> None:
    """The main of a part's module: measures, and writes the part where ``--out`` says, else shows it."""
    parser = argparse.ArgumentParser(description="One part of make bench, by itself.")
    parser.add_argument("--out", type=Path, help="where to write the part, as JSON")
    asked = parser.parse_args()
    part = measure()
    if asked.out is None:
        say(part.section)
        say(msgspec.json.encode(part.figures).decode())
        return
    asked.out.write_bytes(msgspec.json.encode(part))


def say(line: str) -> None:
    """Tells whoever waits for the benchmark."""
    print(line, flush=True)  # noqa: T201 - a command's output
