"""The arithmetic of `make bench`: from counts to figures, and from figures to the page."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.benchmarks.performance import counts
from tests.benchmarks.performance.cpu import CpuSeconds
from tests.benchmarks.performance.express import nested
from tests.benchmarks.performance.page import GOALS, Run, document, last_line
from tests.benchmarks.performance.part import Part
from tests.benchmarks.performance.profile import Profile, profile_table, sampled
from tests.benchmarks.performance.rounds import Round, p99
from tests.benchmarks.work import cost, prices
from tests.benchmarks.work.counted import Call, Work, billed_ms_of, query_units, row_bytes

SEATS, LEDGER, BOOKINGS = "SeatsTable", "SeatLedgerTable", "BookingsTable"
HOLD = Call("ReserveSeat", "dynamodb:TransactWriteItems", (SEATS, LEDGER))
LOOK = Call("ReserveSeat", "dynamodb:GetItem", (SEATS,))
CREATE = Call("CreateBooking", "dynamodb:UpdateItem", (BOOKINGS,))
FIGURES = dict.fromkeys(GOALS, 1.0)


def booked() -> Work:
    """A booking that took one step a service."""
    return Work(
        transitions=11,
        invocations=Counter({"APIHandler": 1, "CreateBooking": 1, "ReserveSeat": 1}),
        billed_ms=Counter({"CreateBooking": 30, "ReserveSeat": 50, "CalculatePrice": 50}),
        calls=Counter({HOLD: 1, LOOK: 1, CREATE: 1}),
        redis=Counter({"set": 1}),
    )


def test_a_step_is_charged_with_its_own_writes_only() -> None:
    """Neither with what it reads, nor with what another writes."""
    assert counts.writes_of(booked(), "ReserveSeat") == 1
    refused = booked()
    refused.calls = Counter({CREATE: 1, LOOK: 3})
    assert counts.writes_of(refused, "ReserveSeat") == 0


def test_the_figures_are_taken_from_the_right_stories() -> None:
    """Transitions and invocations from the confirmed booking, Redis and writes from the refused one."""
    refused = booked()
    refused.transitions, refused.redis = 7, Counter({"set": 1, "get": 1})
    stories = {"confirmed": booked(), "held, then paid": booked(), "seat taken": refused, "card declined": booked()}
    part = counts.part(stories)
    assert part.figures["transitions_happy"] == 11
    assert part.figures["invocations_happy"] == 3
    assert part.figures["redis_cmds_refusal"] == 2
    assert part.figures["ddb_writes_refusal"] == 1
    assert part.figures["usd_per_million_bookings"] == round(cost.total(cost.booking(booked())) * 1e6, 2)
    assert "| Leleka, confirmed | 11 | 3 | 3 |" in part.section


def test_an_express_child_saves_transitions_and_is_billed_for_its_time() -> None:
    """Two fewer at 25 dollars a million; a request, and 100 ms in a sixteenth of a gigabyte."""
    variant = nested(booked())
    assert variant.transitions == 2
    assert variant.saved_usd * prices.MILLION == pytest.approx(50)
    assert variant.express_usd * prices.MILLION == pytest.approx(1 + 0.1 / 16 * 16.67)
    assert variant.gain_usd == variant.saved_usd - variant.express_usd


def test_rows_of_a_transaction_count_twice_and_indexes_once() -> None:
    """Two rows in a transaction are four units, a single row one; two of the tables have a due index."""
    work = booked()
    work.largest_row_bytes = 900
    assert work.write_units == 2 * 2 + 1
    assert work.index_units == 2
    assert work.read_units == 1
    work.largest_row_bytes = 1025
    assert work.write_units == 2 * (2 * 2 + 1)


def test_sizes_are_those_of_dynamodb() -> None:
    """Names and values; a query is rounded up to 4 KiB, of which an eventually consistent one costs half."""
    assert row_bytes({"seat": {"S": "12A"}, "row": {"N": "12"}, "exit": {"BOOL": True}}) == 4 + 3 + 3 + 2 + 4 + 1
    assert query_units([4000, 97]) == 1.0
    assert query_units([4000]) == 0.5


def test_a_report_line_tells_what_is_billed() -> None:
    """Any other line tells nothing."""
    line = "REPORT RequestId: 7d-1\tDuration: 12.31 ms\tBilled Duration: 13 ms\tMemory Size: 512 MB"
    assert billed_ms_of(line) == 13
    assert billed_ms_of('{"message": "Billed Duration: 13 ms"}') is None


def run_of(figures: dict[str, float], load: float = 0.0) -> Run:
    """A run of one part."""
    return Run({"counts": Part(figures, "## Work")}, {"cores": "2"}, load, 60.0)


def test_the_last_line_has_every_figure_in_order_and_no_other() -> None:
    """A part that leaves one out fails the run."""
    shuffled = dict(reversed(FIGURES.items())) | {"more": 7.0}
    assert list(last_line(run_of(shuffled))) == list(GOALS)
    del shuffled["cold_ratio_max"]
    with pytest.raises(KeyError, match="cold_ratio_max"):
        last_line(run_of(shuffled))


def test_a_missed_goal_is_told() -> None:
    """On the page, beside the figure."""
    good = {**FIGURES, "ddb_writes_refusal": 0.0, "storm_wrong": 0.0}
    assert "missed" not in document(run_of(good))
    assert "| `cold_ratio_max` | 1.3 **missed** | ≤ 1.25 |" in document(run_of({**good, "cold_ratio_max": 1.3}))


def test_how_far_rounds_were_apart_stands_beside_the_figure() -> None:
    """A figure of which no part says so is a count."""
    page = document(Run({"cold": Part(FIGURES, "## Cold", spreads={"cold_ratio_max": "0.9 to 1.4"})}, {}, 0.0, 60.0))
    assert "| `cold_ratio_max` | 1 | ≤ 1.25 | 0.9 to 1.4 |" in page
    assert "| `transitions_happy` | 1 | ≤ 13 | a count |" in page


def test_a_busy_machine_is_told() -> None:
    """Its times are worth less."""
    assert "other programs ran" not in document(run_of(FIGURES, load=0.2))
    assert "other programs ran" in document(run_of(FIGURES, load=3.0))


def test_bookings_a_second_are_of_the_whole_round() -> None:
    """All clients together."""
    found = Round(4, [3, 4, 4.5, 5, 6, 7, 7.5, 8], [], CpuSeconds(0, 0, 0))
    assert (found.bookings, found.per_s) == (8, 1.0)
    assert found.quarters == (1.5, 0.5, 2.0)
    assert p99([float(number) for number in range(100)]) == 99.0


def test_a_sample_is_a_services_and_a_packages() -> None:
    """The innermost frame of a service tells for whom, the innermost of all whose code; the rest has names too."""
    here = "/x/lib/python3.13/site-packages"
    thread = f"run (/x/lib/python3.13/threading.py:1);serve ({here}/rolo/gateway.py:3)"
    asl = f"eval ({here}/localstack/services/stepfunctions/asl/eval.py:1)"
    found = Profile()
    found.take(
        [
            f"{asl};call ({here}/botocore/client.py:9) 50",
            f"{thread};put ({here}/localstack/services/lambda_/provider.py:4);run (/y/process_plugins/pool.py:1) 20",
            f"{thread};act ({here}/moto/core/responses.py:4);put ({here}/moto/dynamodb/models/table.py:4) 15",
            f"{thread};parse ({here}/localstack/aws/protocol/parser.py:7);loads (/x/lib/json/decoder.py:3) 10",
            "wait (/x/lib/python3.13/threading.py:7) 5",
        ]
    )
    assert found.services == {
        "stepfunctions": 50,
        "lambda": 20,
        "dynamodb": 15,
        "requests' way in and out": 10,
        "none of these": 5,
    }
    assert found.packages == {
        "botocore": 50,
        "process_plugins": 20,
        "moto": 15,
        "localstack": 10,
        "Python's own library": 5,
    }
    table = list(profile_table(found))
    assert table[2] == "| stepfunctions | 50% | botocore | 50% |"
    assert table[-1] == "| others | 0% | others | 0% |"


def test_a_process_that_nobody_may_look_at_is_told(tmp_path: Path) -> None:
    """The figures come without; here it is one that is gone."""
    gone = subprocess.Popen(["/bin/true"], cwd=tmp_path)
    gone.wait()
    with sampled(gone.pid) as found:
        pass
    [line] = profile_table(found)
    assert line.startswith("*Not looked at in this run: ")
