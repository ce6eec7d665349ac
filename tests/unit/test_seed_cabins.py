"""The seeded cabins are those of the real aircraft that their files name."""

from collections import Counter
from typing import Any

import pytest

from leleka.seed.data import Layout, load_fleet
from leleka.seed.items import seats_of

FLEET = load_fleet()


def seats(aircraft: str) -> dict[str, dict[str, Any]]:
    return {item["seat"]: item for item in seats_of(FLEET[aircraft])}


@pytest.mark.parametrize(("aircraft", "sold"), [("B738", 184), ("A320", 172)])
def test_each_aircraft_sells_its_seats_without_the_blocked_ones(aircraft: str, sold: int) -> None:
    """The 737-800 has 189 seats and the A320 has 180; blocked middle seats of business class are not sold."""
    assert len(seats(aircraft)) == sold


@pytest.mark.parametrize("layout", FLEET.values(), ids=FLEET.keys())
def test_the_rows_written_down_add_up_to_the_seats_installed(layout: Layout) -> None:
    """Rows times letters, less what is missing, is the number of seats that the manufacturer's arrangement has."""
    first, last = layout.rows
    rows = last - first + 1 - len(layout.missing_rows)
    letters = len(layout.letters.replace(" ", ""))
    assert rows * letters - len(layout.missing_seats) == layout.seats_installed


@pytest.mark.parametrize("layout", FLEET.values(), ids=FLEET.keys())
def test_no_seat_appears_twice_and_every_row_belongs_to_one_cabin(layout: Layout) -> None:
    """A row in two cabins would be sold twice, a row in none not at all."""
    assert max(Counter(item["seat"] for item in seats_of(layout)).values()) == 1
    first, last = layout.rows
    assert {item["row"] for item in seats_of(layout)} == set(range(first, last + 1)) - set(layout.missing_rows)


@pytest.mark.parametrize("aircraft", FLEET)
def test_there_is_no_row_13(aircraft: str) -> None:
    """Both airlines whose numbering is followed leave 13 out."""
    assert 13 not in {item["row"] for item in seats(aircraft).values()}


@pytest.mark.parametrize(("aircraft", "rows"), [("B738", {16, 17}), ("A320", {12, 14})])
def test_exit_rows_are_those_beside_the_overwing_exits(aircraft: str, rows: set[int]) -> None:
    """Two pairs of overwing exits make two rows, across the whole width."""
    exits = Counter(item["row"] for item in seats(aircraft).values() if item["exit_row"])
    assert exits == dict.fromkeys(rows, 6)


def test_the_737_has_no_seats_on_the_right_of_row_1() -> None:
    """The forward galley stands there."""
    assert {seat for seat in seats("B738") if seat.startswith("1") and len(seat) == 2} == {"1A", "1C"}


def test_12a_and_12b_of_the_737_are_ordinary_economy_seats() -> None:
    """The story of this project plays on 12A: window, and its neighbour in the middle, in economy, at no exit."""
    found = seats("B738")
    assert (found["12A"]["position"], found["12B"]["position"]) == ("window", "middle")
    assert {found[seat]["cabin"] for seat in ("12A", "12B")} == {"economy"}
    assert not found["12A"]["exit_row"]
    assert not found["12B"]["exit_row"]


@pytest.mark.parametrize("aircraft", FLEET)
def test_business_class_keeps_its_middle_seats_empty(aircraft: str) -> None:
    """A European short-haul business row is an economy row with nobody in the middle."""
    positions = {item["position"] for item in seats(aircraft).values() if item["cabin"] == "business"}
    assert positions == {"window", "aisle"}


def test_a_row_of_economy_reads_window_middle_aisle_aisle_middle_window() -> None:
    """The aisle runs between C and D."""
    row = [item["position"] for item in seats_of(FLEET["A320"]) if item["row"] == 20]
    assert row == ["window", "middle", "aisle", "aisle", "middle", "window"]


def test_a_seat_is_seeded_free_and_never_held() -> None:
    """The attributes are exactly those that the seat service reads."""
    assert seats("B738")["12A"] == {
        "seat": "12A",
        "row": 12,
        "letter": "A",
        "cabin": "economy",
        "position": "window",
        "exit_row": False,
        "status": "AVAILABLE",
        "fencing_number": 0,
    }
