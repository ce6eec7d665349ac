"""Flights and cabins, as people and as scripts read them."""

import json

import pytest

from tests.unit.cli_world import run, world

__all__ = ["world"]


@pytest.mark.usefixtures("world")
def test_flights_are_listed_in_local_times() -> None:
    """As on a ticket."""
    result = run("flights", "kbp", "bcn")
    assert "KBP-BCN-0615" in result.stdout
    assert "2027-06-15 10:40" in result.stdout


@pytest.mark.usefixtures("world")
def test_no_flights_is_no_error() -> None:
    """An empty list as JSON, a sentence on stderr otherwise."""
    assert json.loads(run("flights", "KBP", "WAW", "--json").stdout) == {"flights": []}
    plain = run("flights", "KBP", "WAW")
    assert (plain.exit_code, plain.stdout) == (0, "")
    assert "no flights from KBP to WAW" in plain.stderr


@pytest.mark.parametrize("width", [30, 200])
@pytest.mark.usefixtures("world")
def test_the_cabin_is_drawn_the_same_at_any_width(width: int) -> None:
    """Rows, aisle, the missing row, exits; symbols tell the statuses apart without colour."""
    lines = [line.rstrip() for line in run("seats", "KBP-BCN-0615", width=width).stdout.splitlines()]
    assert lines[0] == "   A B C       D E F"
    assert "   ○   ○   1" in lines
    assert "   ● ◐ ○  12   ○ ○ ○" in lines
    assert lines[lines.index("   ● ◐ ○  12   ○ ○ ○") + 1].strip() == "no row 13"
    assert " < ○ ○ ○  16   ○ ○ ○ >" in lines
    assert lines[-4:] == ["   ○ available: 182", "   ◐ held: 1", "   ● sold: 1", " < > exit rows 16, 17"]


@pytest.mark.usefixtures("world")
def test_seats_as_json_has_every_seat_with_its_price() -> None:
    """For scripts: find a free one."""
    seats = json.loads(run("seats", "KBP-BCN-0615", "--json").stdout)["seats"]
    assert len(seats) == 184
    assert next(seat for seat in seats if seat["seat"] == "12A")["status"] == "SOLD"
