"""A customer's commands: data on stdout, words on stderr, and the exit code says how it went."""

import functools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from leleka import cli_bookings, stages_here
from leleka.api_client import ApiClient
from leleka.stage import Stage
from tests.unit.cli_world import BOOK, FakeAws, World, run
from tests.unit.saga_history import History, confirmed, declined
from tests.unit.test_cli_api_client import problem


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A deployed stage whose saga confirms the booking."""
    made = World()
    monkeypatch.setattr(FakeAws, "history", confirmed())
    stage = Stage("local", "http://api", "arn:stateMachine:saga", "redis://lock", {}, {}, FakeAws("local"))
    monkeypatch.setattr(stages_here, "load", lambda _name: stage)
    transport = httpx.MockTransport(made.answer)
    client = functools.partial(ApiClient, transport=transport, wait=lambda _s: None)
    monkeypatch.setattr(cli_bookings, "ApiClient", client)
    return made


@pytest.fixture
def declined_world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, and the card is declined."""
    monkeypatch.setattr(FakeAws, "history", declined())
    world.ending = {"status": "CANCELLED", "reason": "CardDeclined"}
    return world


@pytest.mark.usefixtures("world")
def test_a_confirmed_booking_exits_with_0_and_tells_each_step_on_a_line() -> None:
    """Not a terminal: one line an event, the outcome last; the key to try again with is on stderr."""
    result = run(*BOOK)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].endswith("· CreateBooking entered")
    assert "✓ ProcessPayment succeeded" in result.stdout
    assert lines[-1] == "CONFIRMED bk-1: seat 12A on KBP-BCN-0615, 79.90 EUR"
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
    assert document["idempotency_key"] == "a-key-of-sixteen-characters"
    assert document["booking"]["reason"] == "CardDeclined"
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
    from chalicelib.payment.sandbox import METHODS  # noqa: PLC0415

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
    result = run("watch", "bk-1", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["saga"]["outcome"] == "SUCCEEDED"


def test_a_saga_that_does_not_end_in_time_is_one_line_and_exit_1(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on stdout that could be taken for a result."""
    assert world.refusal is None
    monkeypatch.setattr(FakeAws, "history", History().enter("ProcessPayment").invoke())
    monkeypatch.setattr("leleka.journey.follow", timed_out)
    result = run("watch", "bk-1", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: the saga still runs after 120 s: bk-1\n"


def timed_out(*_: Any, timeout_s: float) -> Iterator[Any]:
    from leleka.follow import SagaStillRunning  # noqa: PLC0415

    raise SagaStillRunning(f"the saga still runs after {timeout_s:g} s: bk-1")


@pytest.mark.parametrize("command", [BOOK, ("watch", "bk-1"), ("seats", "KBP-BCN-0615"), ("flights", "KBP", "BCN")])
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
        ("watch", "bk-1", "--timeout", "0"),
        ("fly",),
    ],
)
@pytest.mark.usefixtures("world")
def test_a_wrong_command_line_exits_with_2(command: tuple[str, ...]) -> None:
    """Before anything is asked of anybody."""
    result = run(*command)
    assert (result.exit_code, result.stdout) == (2, "")


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
