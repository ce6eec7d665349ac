"""Holds: book without a card, pay or not, cancel; and where the secret of a booking is."""

import functools
import io
import itertools
import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from leleka import bookings_here
from leleka.api_client import ApiClient
from leleka.api_types import Booking, Claim
from leleka.bookings_here import BookingsHereError
from leleka.follow import follow
from leleka.journey import Journey
from tests.unit.cli_world import BOOK, STAGE, FakeAws, World, run, world
from tests.unit.saga_history import cancelled, declined, expired, held, paid_later
from tests.unit.test_cli_api_client import BOOKING, PLACED, SECRET, problem

__all__ = ["world"]
UNTIL = {"hold_expires_at": "2026-11-23T12:15:00Z"}


def early() -> httpx.Response:
    document = {"type": "urn:leleka:problem:booking-in-progress", "detail": "not yet"}
    return httpx.Response(409, text=json.dumps(document), headers={"Content-Type": "application/problem+json"})


def made_here() -> None:
    assert run(*BOOK, "--no-watch").exit_code == 0


def test_a_seat_booked_without_a_card_is_held_and_tells_how_to_pay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locator, id, secret, the command; then until when; then the end, paid from elsewhere."""
    monkeypatch.setattr(FakeAws, "history", paid_later())
    world.ending |= UNTIL
    result = run(*BOOK, "--language", "uk")
    lines = result.stdout.splitlines()
    assert lines[:4] == [
        "record locator B4H9PE",
        "booking id bk-1",
        f"secret {SECRET}",
        "pay with: leleka pay B4H9PE --card approved",
    ]
    assert (result.exit_code, lines[-1]) == (0, "CONFIRMED B4H9PE bk-1: seat 12A on KBP-BCN-0615, 79.90 EUR")
    sent = json.loads(world.requests[0].content)
    assert (sent["language"], "payment_method" in sent) == ("uk", False)


def test_a_hold_that_nobody_paid_says_so_and_exits_with_1(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as a failure of a step: the time was over, and the seat goes back."""
    monkeypatch.setattr(FakeAws, "history", expired())
    world.ending = {"status": "CANCELLED", "reason": "HOLD_EXPIRED"}
    result = run(*BOOK)
    assert result.exit_code == 1
    assert "⧖ AwaitPaymentMethod nobody paid in time" in result.stdout
    assert "⧖ HoldExpired the seat goes back" in result.stdout
    assert "reason: HOLD_EXPIRED; rolled back: RefundPayment, ReleaseBaggage" in result.stdout


@pytest.mark.parametrize("ref", ["B4H9PE", "b4h9pe", "bk-1"])
def test_paying_needs_no_secret_where_the_booking_was_made(ref: str, world: World) -> None:
    """By locator, in any case of letters, or by id."""
    made_here()
    assert run("pay", ref, "--card", "slow").exit_code == 0
    payment = next(request for request in world.requests if request.url.path.endswith("/payment"))
    assert payment.headers["Authorization"] == f"Bearer {SECRET}"
    assert json.loads(payment.content) == {"payment_method": "pm_slow"}


def test_a_secret_that_is_given_goes_before_the_one_that_is_kept(world: World) -> None:
    """Two stacks, one after the other, may give out the same locator."""
    made_here()
    run("watch", "B4H9PE", "--secret", "another")
    assert world.requests[-1].headers["Authorization"] == "Bearer another"


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("command", [("pay", "--card", "approved"), ("cancel",), ("watch",)])
def test_a_booking_from_elsewhere_needs_its_secret(command: tuple[str, ...]) -> None:
    """And the message says so."""
    result = run(command[0], "AAAAAA", *command[1:])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("AAAAAA was not made here on stage local; give its secret: --secret\n")


def test_paying_right_after_booking_waits_until_the_seat_is_held(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script books and pays; the saga is not at the wait yet."""
    monkeypatch.setattr("leleka.cli_bookings.time.sleep", lambda _s: world.ending.update(status="CONFIRMED"))
    world.ending["status"] = "PENDING"
    world.payments = [early(), httpx.Response(202, json=BOOKING)]
    assert run("pay", "bk-1", "--secret", SECRET, "--card", "approved").exit_code == 0
    assert world.payments == []


@pytest.mark.parametrize(("refusal", "status"), [(early, "CONFIRMED"), (lambda: problem(409), "PENDING")])
def test_a_payment_that_can_not_come_true_is_refused_at_once(
    refusal: Callable[[], httpx.Response], status: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The booking has ended, or it is another refusal: waiting would not help."""
    monkeypatch.setattr("leleka.cli_bookings.time.sleep", lambda _s: pytest.fail("it waited"))
    world.payments, world.ending["status"] = [refusal()], status
    result = run("pay", "bk-1", "--secret", SECRET, "--card", "approved")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "(409 " in result.stderr


def test_the_end_of_the_hold_is_asked_for_once_and_told_with_each_look(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The saga's history does not have it; the API does, from the moment at which the saga waits."""
    histories = itertools.chain([held(), held(), held()], itertools.repeat(paid_later()))
    monkeypatch.setattr(FakeAws, "history", property(lambda _self: next(histories)))
    monkeypatch.setattr("leleka.journey.follow", functools.partial(follow, poll_s=0.001))
    world.ending |= UNTIL
    found: list[Booking] = []
    with ApiClient("http://api", httpx.MockTransport(world.answer)) as api:
        following = Journey(STAGE, api, Claim("bk-1", SECRET), "bk-1", 60, Console(file=io.StringIO(), width=200))
        following.watch(found.append)
    assert [booking.hold_expires_at for booking in found] == [datetime(2026, 11, 23, 12, 15, tzinfo=UTC)]
    assert "until 12:15:00 UTC" in following.console.file.getvalue()  # type: ignore[union-attr]  # a StringIO
    assert len(world.requests) == 2


def test_cancelling_a_confirmed_booking_shows_its_steps_undone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one first; exit code 0, since it is what was asked for."""
    monkeypatch.setattr(FakeAws, "history", paid_later())
    monkeypatch.setattr(FakeAws, "cancellation", cancelled())
    world.ending = {"status": "CANCELLED", "reason": "CANCELLED_BY_CUSTOMER", "refunded_minor": 7990}
    result = run("cancel", "bk-1", "--secret", SECRET)
    assert result.exit_code == 0
    undone = [line.split()[2] for line in result.stdout.splitlines() if " ↶ " in line]
    assert undone == [
        "ProcessPayment",
        "ReserveBaggage",
        "ReserveSeat",
        "ConfirmSeat",
        "CreateBooking",
        "ConfirmBooking",
    ]
    assert result.stdout.splitlines()[-1].endswith("CancelBooking; refunded 79.90 EUR")
    document = json.loads(run("cancel", "bk-1", "--secret", SECRET, "--json").stdout)
    assert document["saga"]["rolled_back"] == ["RefundPayment", "ReleaseBaggage", "ReleaseSeat", "CancelBooking"]


def test_cancelling_a_held_seat_follows_the_booking_saga(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which rolls back by itself; there is no cancellation saga. Still not cancelled at its end is exit code 1."""
    monkeypatch.setattr(FakeAws, "history", declined())
    world.before, world.ending = "AWAITING_PAYMENT", {"status": "CANCELLED"}
    assert run("cancel", "bk-1", "--secret", SECRET).exit_code == 0
    world.ending = {"status": "CONFIRMED"}
    assert run("cancel", "bk-1", "--secret", SECRET).exit_code == 1


def test_watching_a_cancelled_booking_shows_the_cancellation_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a saga that succeeded would stand beside a booking that is gone."""
    monkeypatch.setattr(FakeAws, "cancellation", cancelled())
    world.ending = {"status": "CANCELLED"}
    result = run("watch", "bk-1", "--secret", SECRET)
    assert result.exit_code == 1
    assert "✓ ConfirmBooking succeeded" in result.stdout
    assert "↶ ConfirmBooking compensated" in result.stdout


@pytest.mark.usefixtures("world")
def test_secrets_are_for_the_user_alone_and_bounded() -> None:
    """Mode 0600 whatever the umask; the oldest makes room, stage by stage."""
    before = os.umask(0)
    try:
        for number in range(bookings_here.KEPT_MAX + 1):
            bookings_here.remember("local", f"bk-{number}", f"L{number}", "s")
    finally:
        os.umask(before)
    bookings_here.remember("prod", "bk-0", "L0", "p")
    assert bookings_here.FILE.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(bookings_here.FILE.read_text())["local"]) == bookings_here.KEPT_MAX
    assert bookings_here.claim("prod", "bk-0") == Claim("bk-0", "p")
    with pytest.raises(BookingsHereError, match="bk-0 was not made here"):
        bookings_here.claim("local", "bk-0")


@pytest.mark.usefixtures("world")
def test_two_commands_at_once_lose_no_secret() -> None:
    """Read, change and rename happen under one lock."""

    def keep(name: str) -> None:
        for number in range(10):
            bookings_here.remember("local", f"bk-{name}{number}", "L", "s")

    threads = [threading.Thread(target=keep, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(json.loads(bookings_here.FILE.read_text())["local"]) == 40


def test_a_damaged_file_is_left_alone_and_the_booking_goes_on(world: World, tmp_path: Path) -> None:
    """Other secrets in it may still be saved by hand; the command to pay then has the secret in it."""
    (tmp_path / "bookings.json").write_text("{")
    result = run(*BOOK, "--no-watch")
    assert result.exit_code == 0
    assert "keep the secret yourself" in result.stderr
    assert f"leleka pay B4H9PE --card approved --secret {PLACED['secret']}" in result.stdout
    assert (tmp_path / "bookings.json").read_text() == "{"
    assert len(world.requests) == 1
