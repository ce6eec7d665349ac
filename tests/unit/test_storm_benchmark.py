"""What a storm of the benchmark takes for right, and its arithmetic. The storms are in `make bench`."""

from collections import Counter
from typing import Any

import pytest

from tests.benchmarks.locks.measures import Spread
from tests.benchmarks.performance.storm import measures
from tests.benchmarks.performance.storm.measures import Storm
from tests.benchmarks.performance.storm.report import DATABASE_ONLY, LARGE, SMALL, WITH_LOCK, part
from tests.benchmarks.performance.storm.verdicts import Aftermath, Customer, Outcome, Verdict, deviations

FLIGHT = "KBP-BCN-0615"


def verdict(number: int, outcome: Outcome, seat: str = "1A", *, took_s: float = 0.5, attempts: int = 1) -> Verdict:
    """What customer so-and-so was told, half a second after the start at 100 s."""
    customer = Customer(f"bk-{number}", f"lock-{number}", FLIGHT, seat)
    fencing_number = 1 if outcome is Outcome.WON else 0
    error = "StoreBusy" if outcome is Outcome.NONE else ""
    return Verdict(customer, outcome, fencing_number, attempts, took_s * 1000, 100 + took_s, error)


def seat_of(number: int, seat: str = "1A", **changes: Any) -> dict[str, Any]:
    """A seat item that customer so-and-so holds."""
    held = {"status": "HELD", "booking_id": f"bk-{number}", "lock_id": f"lock-{number}", "fencing_number": 1}
    return {"flight_id": FLIGHT, "seat": seat, **held, **changes}


def row_of(number: int, seat: str = "1A", **changes: Any) -> dict[str, Any]:
    """A ledger row of customer so-and-so."""
    return {"booking_id": f"bk-{number}", "state": "HELD", "seat": seat, "lock_id": f"lock-{number}", **changes}


def lock_of(number: int, seat: str = "1A") -> dict[str, str]:
    """A lock of customer so-and-so."""
    return {f"seat:{FLIGHT}:{seat}:lock": f"lock-{number}"}


WON_AND_LOST = [verdict(1, Outcome.WON), verdict(2, Outcome.LOST)]


def test_one_winner_who_owns_the_seat_and_a_loser_who_has_nothing_are_right() -> None:
    """With the winner's lock or, in the variant without locks, without it."""
    for locks in ({}, lock_of(1)):
        assert deviations(WON_AND_LOST, Aftermath([seat_of(1)], [row_of(1)], locks)) == []


def test_two_winners_of_one_seat_are_noticed() -> None:
    """By the count, by the seat, and by what the table says to the one who doesn't own it."""
    both = [verdict(1, Outcome.WON), verdict(2, Outcome.WON)]
    assert deviations(both, Aftermath([seat_of(2)], [row_of(1), row_of(2)], {})) == [
        "2 customers won, of 1 seats",
        "2 customers won seat 1A",
        "bk-1 won 1A, and the seat says ('HELD', 'bk-2')",
    ]


def test_two_winners_of_one_seat_and_none_of_the_other_are_noticed_although_the_count_is_right() -> None:
    """Two seats, two winners, one seat."""
    both = [verdict(1, Outcome.WON), verdict(2, Outcome.WON)]
    free = seat_of(0, "1B", status="AVAILABLE", booking_id=None)
    found = deviations(both, Aftermath([seat_of(1), free], [row_of(1), row_of(2)], {}))
    assert found[0] == "2 customers won seat 1A"
    assert found[-1] == "seat 1B is AVAILABLE, and no winner's"


@pytest.mark.parametrize(
    "changes",
    [
        {"lock_id": "lock-9"},
        {"fencing_number": 2},
        {"status": "AVAILABLE"},
        {"booking_id": "bk-2"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_winner_who_does_not_own_the_seat_as_told_is_noticed(changes: dict[str, Any]) -> None:
    """By another's lock, another number, another state or another owner."""
    assert deviations(WON_AND_LOST, Aftermath([seat_of(1, **changes)], [row_of(1)], {}))


def test_a_hold_without_a_fencing_number_is_noticed() -> None:
    """Even if the winner was told the same."""
    unfenced = Verdict(WON_AND_LOST[0].customer, Outcome.WON, 0, 1, 1.0, 101.0)
    assert deviations([unfenced], Aftermath([seat_of(1, fencing_number=0)], [row_of(1)], {}))


@pytest.mark.parametrize("ledger", [[], [row_of(1, state="RELEASED")], [row_of(1, lock_id="lock-9")]])
def test_a_winner_without_a_row_of_the_hold_is_noticed(ledger: list[dict[str, Any]]) -> None:
    """No row, a closed one, or one of another lock."""
    assert deviations(WON_AND_LOST, Aftermath([seat_of(1)], ledger, {}))


def test_a_losers_hold_is_noticed_and_a_losers_closed_row_is_none() -> None:
    """A loser who asked twice leaves RELEASED behind."""
    for state, wrong in (("HELD", ["bk-2 lost, and the ledger says HELD"]), ("RELEASED", [])):
        assert deviations(WON_AND_LOST, Aftermath([seat_of(1)], [row_of(1), row_of(2, state=state)], {})) == wrong


def test_a_lock_that_a_loser_left_is_noticed() -> None:
    """On the seat that another won, and on one that nobody won."""
    for locks in (lock_of(2), {**lock_of(1), **lock_of(2, "1B")}):
        assert len(deviations(WON_AND_LOST, Aftermath([seat_of(1)], [row_of(1)], locks))) == 1


def test_who_got_no_verdict_is_noticed() -> None:
    """Whatever else is right."""
    unheard = [*WON_AND_LOST, verdict(3, Outcome.NONE, attempts=5)]
    found = deviations(unheard, Aftermath([seat_of(1)], [row_of(1)], {}))
    assert found == ["bk-3 got no verdict: StoreBusy"]


def test_a_seat_that_nobody_won_is_noticed() -> None:
    """All refused, and one seat still free."""
    free = seat_of(0, status="AVAILABLE", booking_id=None)
    assert deviations([verdict(2, Outcome.LOST)], Aftermath([free], [], {})) == [
        "0 customers won, of 1 seats",
        "seat 1A is AVAILABLE, and no winner's",
    ]


def storm(*took_s: float, wrong: list[str] | None = None) -> Storm:
    """A storm that began at 100 s and whose customers lost after so long; two requests, three commands in all."""
    verdicts = [verdict(number, Outcome.LOST, took_s=each) for number, each in enumerate(took_s)]
    return Storm(verdicts, 100.0, 0.02, Counter(GetItem=2), Counter(set=3), wrong or [])


def test_speed_is_verdicts_by_the_time_to_the_last_one() -> None:
    """Not by the time of each."""
    one = storm(0.5, 1.0, 2.0, 1.5)
    assert (one.last_verdict_s, one.per_s) == (2.0, 2.0)
    assert measures.speeds([one, storm(1.0), storm(0.25)]) == Spread(2.0, 1.0, 4.0)


def test_work_is_counted_by_the_verdict() -> None:
    """Over all storms together."""
    both = [storm(1.0, 1.0, 1.0), storm(1.0)]
    assert measures.per_verdict(both, "requests") == 1.0
    assert measures.per_verdict(both, "commands") == 1.5
    assert measures.cpu_ms(both) == pytest.approx(10.0)


def test_repeated_steps_are_counted() -> None:
    """A step that was asked once was not repeated."""
    verdicts = [verdict(1, Outcome.LOST, attempts=3), verdict(2, Outcome.LOST)]
    assert Storm(verdicts, 0.0, 0.0, Counter(), Counter(), []).repeated == 2


def test_a_storm_that_nobody_lost_can_be_told_all_the_same() -> None:
    """A broken condition lets everybody win, and the page has to say so."""
    everybody = Storm([verdict(number, Outcome.WON) for number in range(3)], 100.0, 0.0, Counter(), Counter(), ["x"])
    assert measures.refusal_ms([everybody]) is None
    same = {WITH_LOCK: [everybody], DATABASE_ONLY: [everybody]}
    assert part({SMALL: same, LARGE: same}, processes=16, seed=1).figures["storm_wrong"] == 4


def test_every_deviation_of_every_storm_goes_into_the_figure() -> None:
    """The ratio is of the medians of the large storms."""
    results = {
        SMALL: {WITH_LOCK: [storm(0.5, 0.5, wrong=["a"])], DATABASE_ONLY: [storm(1.0, 1.0)]},
        LARGE: {WITH_LOCK: [storm(0.5, 0.5)], DATABASE_ONLY: [storm(4.0, 4.0, wrong=["b", "c"])]},
    }
    made = part(results, processes=16, seed=1)
    assert made.figures == {"storm_wrong": 3.0, "verdicts_ratio_vs_db": 8.0}
    assert "Deviations: **3**" in made.section
    assert "<" not in made.section
    assert "lock, then database" in made.charts["storm.svg"]
