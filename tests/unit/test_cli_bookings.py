"""A customer's commands: data on stdout, words on stderr, and the exit code says how it went."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.payment.sandbox import METHODS
from leleka.follow import SagaStillRunning
from tests.unit.cli_world import BOOK, FakeAws, World, run, world
from tests.unit.saga_history import History, declined
from tests.unit.test_cli_api_client import SECRET, problem

__all__ = ["world"]
PAID = (*BOOK, "--card", "approved")


@pytest.fixture
def declined_world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, and the card is declined."""
    monkeypatch.setattr(FakeAws, "history", declined())
    world.ending = {"status": "CANCELLED", "reason": "CARD_DECLINED"}
    return world


@pytest.mark.usefixtures("world")
def test_a_confirmed_booking_exits_with_0_and_tells_each_step_on_a_line() -> None:
    """Not a terminal: one line an event, the outcome last; the key to try again with is on stderr."""
    result = run(*PAID)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:3] == ["record locator B4H9PE", "booking id bk-1", f"secret {SECRET}"]
    assert lines[3].endswith("· CreateBooking entered")
    assert "leleka pay" not in result.stdout
    assert "✓ ProcessPayment succeeded" in result.stdout
    assert lines[-1] == "CONFIRMED B4H9PE bk-1: seat 12A on KBP-BCN-0615, 79.90 EUR"
    assert result.stderr.startswith("Idempotency-Key ")


@pytest.mark.usefixtures("declined_world")
def test_a_declined_card_exits_with_1_and_shows_what_was_undone() -> None:
    """The summary has the rollback in the order in which it ran."""
    result = run(*BOOK, "--card", "declined")
    assert result.exit_code == 1
    assert "✗ ProcessPayment failed: CardDeclined" in result.stdout
    assert "↶ ReserveSeat compensated" in result.stdout
    assert "rolled back: ReleaseBaggage, ReleaseSeat, CancelBooking" in result.stdout.splitlines()[-1]


@pytest.mark.usefixtures("declined_world")
def test_book_as_json_prints_one_document_and_nothing_else() -> None:
    """Also when it was not confirmed; a script reads both the exit code and why."""
    result = run(*BOOK, "--json", "--key", "a-key-of-sixteen-characters")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (document["idempotency_key"], document["secret"]) == ("a-key-of-sixteen-characters", SECRET)
    assert document["booking"]["reason"] == "CARD_DECLINED"
    assert document["saga"]["rolled_back"] == ["ReleaseBaggage", "ReleaseSeat", "CancelBooking"]
    assert {"name": "ProcessPayment", "attempts": 1, "error": "CardDeclined"}.items() <= next(
        step for step in document["saga"]["steps"] if step["name"] == "ProcessPayment"
    ).items()


@pytest.mark.parametrize(
    ("card", "method"),
    [
        ("approved", "pm_approved"),
        ("declined", "pm_declined"),
        ("insufficient-funds", "pm_insufficient_funds"),
        ("slow", "pm_slow"),
        ("unknown", "pm_unknown"),
        ("unknown-lost", "pm_unknown_lost"),
    ],
)
def test_every_card_is_a_payment_method_of_the_sandbox(card: str, method: str, world: World) -> None:
    """The words of the command line, and the ids of the gateway."""
    run(*BOOK, "--no-watch", "--card", card)
    assert json.loads(world.requests[0].content)["payment_method"] == method
    assert method in METHODS


def test_a_raw_payment_method_goes_through_unchanged(world: World) -> None:
    """For a provider that is not the sandbox."""
    run(*BOOK, "--no-watch", "--payment-method", "pm_card_visa")
    assert json.loads(world.requests[0].content)["payment_method"] == "pm_card_visa"


def test_the_key_is_sent_as_given_and_new_each_time_otherwise(world: World) -> None:
    """A repeated command is another booking unless it says that it is the same."""
    for key in (("--key", "a-key-of-sixteen-characters"), (), ()):
        run(*BOOK, "--no-watch", *key)
    given, first, second = (request.headers["Idempotency-Key"] for request in world.requests)
    assert given == "a-key-of-sixteen-characters"
    assert first != second


@pytest.mark.usefixtures("world")
def test_watch_follows_a_booking_that_was_made_before() -> None:
    """From its beginning, although it has ended."""
    result = run("watch", "bk-1", "--secret", SECRET, "--secret", SECRET, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["saga"]["outcome"] == "SUCCEEDED"


def test_a_saga_that_does_not_end_in_time_is_one_line_and_exit_1(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on stdout that could be taken for a result."""
    assert world.refusal is None
    monkeypatch.setattr(FakeAws, "history", History().enter("ProcessPayment").invoke())
    monkeypatch.setattr("leleka.journey.follow", timed_out)
    result = run("watch", "bk-1", "--secret", SECRET, "--secret", SECRET, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: the saga still runs after 120 s: bk-1\n"


def timed_out(*_: Any, timeout_s: float) -> Iterator[Any]:
    raise SagaStillRunning(f"the saga still runs after {timeout_s:g} s: bk-1")


@pytest.mark.parametrize(
    "command", [BOOK, ("watch", "bk-1", "--secret", SECRET), ("seats", "KBP-BCN-0615"), ("flights", "KBP", "BCN")]
)
def test_a_refusal_of_the_api_is_one_line_on_stderr_and_exit_1(command: tuple[str, ...], world: World) -> None:
    """What was wrong and where; no traceback, and nothing on stdout that is not data."""
    world.refusal = problem(409)
    result = run(*command)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "error: taken (409 seat-taken)"
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "command",
    [
        ("book", "KBP-BCN-0615"),
        (*BOOK, "--bags", "6"),
        (*BOOK, "--card", "gold"),
        ("watch", "bk-1", "--secret", SECRET, "--timeout", "0"),
        (*BOOK, "--language", "de"),
        ("pay", "B4H9PE"),
        ("fly",),
    ],
)
@pytest.mark.usefixtures("world")
def test_a_wrong_command_line_exits_with_2(command: tuple[str, ...]) -> None:
    """Before anything is asked of anybody."""
    result = run(*command)
    assert (result.exit_code, result.stdout) == (2, "")
