"""Draws a cabin: rows nose first, aisle, exits, rows and seats that are not there. Thirty columns wide."""

from collections.abc import Sequence

from rich.text import Text

from leleka.api_types import Seat
from leleka.money import price

LOOK = {"AVAILABLE": ("○", "green"), "HELD": ("◐", "bold yellow"), "SOLD": ("●", "red")}
"""Symbol and colour by status: either tells them apart without the other."""

_EXIT = "cyan"
_AISLE = "     "


def cabin(seats: Sequence[Seat]) -> Text:
    """The drawing of a flight's seats, with its legend. ``seats`` is not empty."""
    columns = _columns(seats)
    drawing = Text()
    _line(drawing, Text("   ").append(" ".join(columns), style="bold"))
    by_row: dict[int, dict[str, Seat]] = {}
    for seat in seats:
        by_row.setdefault(seat.row, {})[seat.letter] = seat
    current = ""
    for row in range(min(by_row), max(by_row) + 1):
        if row not in by_row:
            _line(drawing, Text(f"{'':9}no row {row}", style="dim"))
            continue
        sitting = by_row[row]
        cabin_name = next(iter(sitting.values())).cabin
        if cabin_name != current:
            current = cabin_name
            _line(drawing, _cabin_heading(current, seats))
        _line(drawing, _row(row, sitting, columns))
    return drawing.append_text(_legend(seats))


def _row(row: int, sitting: dict[str, Seat], columns: list[str]) -> Text:
    is_exit = next(iter(sitting.values())).exit_row
    text = Text(" < " if is_exit else "   ", style=_EXIT)
    for at, column in enumerate(columns):
        text.append(" " if at else "")
        if column == _AISLE:
            text.append(f"{row:^5}", style=_EXIT if is_exit else "dim")
        elif column in sitting:
            text.append(*LOOK.get(sitting[column].status, ("?", "magenta")))
        else:
            text.append(" ")
    return text.append(" >" if is_exit else "", style=_EXIT)


def _columns(seats: Sequence[Seat]) -> list[str]:
    """The letters from left to right, with the aisle where two aisle seats meet."""
    positions = {seat.letter: seat.position for seat in seats}
    columns: list[str] = []
    for letter in sorted(positions):
        if columns and positions[letter] == positions[columns[-1]] == "aisle":
            columns.append(_AISLE)
        columns.append(letter)
    return columns


def _cabin_heading(name: str, seats: Sequence[Seat]) -> Text:
    prices = [(s.price_minor, s.currency) for s in seats if s.cabin == name and s.price_minor is not None]
    amount, currency = min(prices, default=(None, None))
    text = f"{name}, from {price(amount, currency)}" if amount is not None else f"{name}, not on sale"
    return Text(f"   {text}", style="italic")


def _legend(seats: Sequence[Seat]) -> Text:
    text = Text()
    for status, (symbol, style) in LOOK.items():
        count = sum(seat.status == status for seat in seats)
        _line(text, Text("   ").append(symbol, style=style).append(f" {status.lower()}: {count}"))
    exits = sorted({seat.row for seat in seats if seat.exit_row})
    if exits:
        _line(text, Text(" < >", style=_EXIT).append(f" exit rows {', '.join(map(str, exits))}", style="default"))
    text.rstrip()
    return text


def _line(drawing: Text, line: Text) -> None:
    line.rstrip()
    drawing.append_text(line).append("\n")
