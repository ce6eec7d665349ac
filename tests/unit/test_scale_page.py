"""The arithmetic of docs/SCALE.md, and that the page and its counts are those of today."""

import re

import pytest

from leleka.paths import PROJECT
from tests.benchmarks.performance.scale import arithmetic, counts, limits
from tests.benchmarks.performance.scale.arithmetic import OwnTime
from tests.benchmarks.performance.scale.counts import Function, Table
from tests.benchmarks.performance.scale.needs import needs
from tests.benchmarks.performance.scale.report import document

COST = (PROJECT / "docs" / "COST.md").read_text()


def confirmed(what: str) -> float:
    """What docs/COST.md counts of a confirmed booking."""
    found = re.search(rf"^\| {re.escape(what)} \| ([0-9,]+) \|", COST, re.MULTILINE)
    assert found, what
    return float(found[1].replace(",", ""))


def test_the_page_is_what_its_numbers_make() -> None:
    """If not: .venv/bin/python -m tests.benchmarks.performance.scale."""
    page = document()
    assert (PROJECT / "docs" / "SCALE.md").read_text() == page
    assert not re.search(r"<[A-Z_]+>", page)


@pytest.mark.parametrize(
    ("what", "ours"),
    [
        ("state transitions", counts.TRANSITIONS),
        ("Lambda invocations", len(counts.FUNCTIONS)),
        ("DynamoDB requests", sum(each.rows + each.transactions for each in counts.FUNCTIONS)),
        ("DynamoDB write units, tables", sum(table.writes for table in counts.TABLES)),
        ("DynamoDB read units", sum(table.reads for table in counts.TABLES)),
        ("Redis commands", counts.REDIS_COMMANDS),
        ("SQS messages sent by the saga", counts.SQS_SENDS),
        ("SNS messages", counts.SNS_PUBLISHES),
        ("mails", counts.MAILS),
    ],
)
def test_the_counts_are_those_that_were_measured(what: str, ours: float) -> None:
    """If the saga has changed, counts.py has to."""
    assert ours == confirmed(what)


def test_valkey_is_asked_by_as_many_functions_as_commands_were_counted() -> None:
    """Once to lock, once to unlock."""
    assert sum(each.valkey for each in counts.FUNCTIONS) == counts.REDIS_COMMANDS


def test_an_hour_is_3600_seconds() -> None:
    """A million an hour is 278 a second."""
    assert round(arithmetic.per_second(1_000_000), 1) == 277.8


def test_a_table_needs_a_partition_for_each_thousand_writes_and_three_thousand_reads() -> None:
    """Both together, and never none."""
    assert arithmetic.partitions(Table("t", "k", writes=4, reads=1), 250) == 2
    assert arithmetic.partitions(Table("t", "k", writes=4), 250) == 1
    assert arithmetic.partitions(Table("t", "k"), 250) == 1


def test_an_invocation_takes_its_own_time_on_its_share_of_a_core_and_its_waits() -> None:
    """512 MB buy 512/1769 of a core; a row is 5 ms, a transaction 15, a command 1."""
    took_ms = arithmetic.duration_ms(Function("F", rows=1, transactions=1, valkey=1), OwnTime(1, 2))
    assert took_ms == pytest.approx((1 + 2 * 2) * 1769 / 512 + 5 + 15 + 1)


def test_as_many_run_at_a_time_as_come_while_one_takes() -> None:
    """Little's law."""
    assert arithmetic.concurrency(200, 50) == 10


def test_a_reconciler_keeps_up_with_as_much_as_its_time_allows() -> None:
    """Two invocations a booking, one booking after the other."""
    assert arithmetic.kept_per_minute(40, 20) == 1000


@pytest.mark.parametrize(
    ("need", "says"), [(70, "fits"), (76, "fits, barely"), (100, "fits, barely"), (101, "**raise 2 times**")]
)
def test_what_does_not_fit_is_to_be_raised_with_something_to_spare(need: float, says: str) -> None:
    """By half as much again, in whole multiples."""
    assert arithmetic.verdict(need, 100) == says


def test_needs_are_counts_by_the_rate() -> None:
    """Twice the bookings need twice as much of everything."""
    once, twice = needs(100, OwnTime(1, 1)), needs(200, OwnTime(1, 1))
    assert [each.need * 2 for each in once] == pytest.approx([each.need for each in twice])
    transitions = next(each for each in once if "transitions" in each.what)
    assert (transitions.need, transitions.limit) == (100 * counts.TRANSITIONS, limits.TRANSITIONS_PER_S)
