"""The arithmetic of the lock benchmark. The measuring itself is `make bench-locks`."""

import json

import pytest

from tests.benchmarks.locks.measures import (
    Frozen,
    Names,
    Results,
    Rounds,
    Spread,
    commands_of_one,
    count_storms,
    last_line,
    spread,
    summary,
)

NAMES = Names(
    base="plain",
    single="ours",
    watched="ours, watched",
    all_at_once="five at once",
    lead_first="five, lead first",
    redlocks=["five at once", "five, lead first"],
    peers=["slow five", "fast five"],
)


def rounds(**took_us: list[float]) -> Rounds:
    """Rounds of competitors, by name with underscores."""
    made = Rounds()
    for name, each in took_us.items():
        for value in each:
            made.add(name.replace("__", ", ").replace("_", " "), value)
    return made


def results() -> Results:
    """A run with numbers that are easy to divide."""
    return Results(
        pairs=rounds(
            plain=[80, 100, 80],
            ours=[40, 40, 20],
            ours__watched=[50, 50, 25],
            five_at_once=[160, 200, 160],
            five__lead_first=[100, 100, 100],
            slow_five=[900, 900, 900],
            fast_five=[400, 400, 400],
        ),
        refusals=rounds(plain=[40, 40, 40], ours=[20, 20, 20], five__lead_first=[10, 10, 10]),
        storms={
            "five, lead first": count_storms([1, 0, 2, 1], clients=64, unknown=0),
            "five at once": count_storms([0, 0, 0, 0], clients=64, unknown=0),
        },
        frozen={"five at once": Frozen(51.26, 0, 200), "five, lead first": Frozen(3.0, 0, 200)},
    )


def test_spread_is_the_median_with_both_ends() -> None:
    """A middle value, and not the mean, stands between the lowest and the highest."""
    assert spread([9.0, 1.0, 2.0]) == Spread(2.0, 1.0, 9.0)


def test_speed_is_a_ratio_within_each_round() -> None:
    """A round in which everything is slow does not change who is how much faster."""
    measured = rounds(plain=[80, 8000, 80], ours=[40, 4000, 20])
    assert measured.speed("ours", base="plain") == Spread(2.0, 2.0, 4.0)


def test_speed_refuses_rounds_that_do_not_match() -> None:
    """A competitor that misses a round can't be compared."""
    with pytest.raises(ValueError, match="shorter"):
        rounds(plain=[80, 80], ours=[40]).speed("ours", base="plain")


def test_fastest_has_the_lowest_median() -> None:
    """One lucky round makes nobody the fastest."""
    assert rounds(lucky=[1, 90, 90], steady=[50, 50, 50]).fastest(["lucky", "steady"]) == "steady"


def test_storms_are_counted_by_their_winners() -> None:
    """No winner and several winners are different failures, and one winner is none."""
    counted = count_storms([1, 0, 1, 3, 0], clients=16, unknown=7)
    assert (counted.storms, counted.no_winner, counted.multi_winner, counted.unknown) == (5, 2, 1, 7)


def test_commands_are_what_the_counters_grew_by() -> None:
    """Every node counts, and what was run before the measurement doesn't."""
    before = [{"set": 10, "config|get": 3}, {}]
    after = [{"set": 30, "config|get": 3}, {"set": 20, "delifeq": 20}]
    assert commands_of_one(before, after, operations=20) == {"delifeq": 1.0, "set": 2.0}


def test_last_line_has_every_number() -> None:
    """The line is JSON with these names, in this order, and each number compares what its name says."""
    line = last_line(summary(results(), NAMES))
    assert "\n" not in line
    assert list(json.loads(line).items()) == [
        ("single_pair", 2.5),
        ("redlock5_pair", 0.5),
        ("redlock5_vs_best_peer", 2.5),
        ("rejects_single", 2.0),
        ("rejects_redlock5", 4.0),
        ("no_winner_storms", 1),
        ("multi_winner_storms", 1),
        ("watchdog_pair", 0.8),
        ("frozen_node_ms", 51.26),
    ]


@pytest.mark.parametrize("frozen", [Frozen(None, 0, 0), Frozen(12.0, 1, 200)], ids=["never ended", "failed once"])
def test_a_frozen_node_that_breaks_our_lock_is_no_number(frozen: Frozen) -> None:
    """A lock of ours that fails beside a frozen node ends the run instead of looking fast."""
    measured = results()
    measured.frozen["five, lead first"] = frozen
    with pytest.raises(ValueError, match="frozen"):
        summary(measured, NAMES)
