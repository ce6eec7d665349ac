"""A saga as it is drawn: waiting with the time that is left, ticks that are no failures."""

from datetime import timedelta

import pytest
from rich.console import Console

from chalicelib.api.history import advance, timeline_of
from chalicelib.api.timeline import Timeline
from leleka import render_saga
from tests.unit.saga_history import T0, History, held, paid_later


def drawn(timeline: Timeline, after_s: float = 100.0) -> list[str]:
    console = Console(width=120, force_terminal=False)
    with console.capture() as capture:
        console.print(render_saga.table(timeline, T0 + timedelta(seconds=after_s)))
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize(("after_s", "left"), [(100.0, "13:20"), (899.5, "0:01"), (2000.0, "0:00")])
def test_the_wait_for_the_customer_counts_down(after_s: float, left: str) -> None:
    """To the second, up, and never below nothing."""
    timeline = timeline_of(held().events)
    waiting = Timeline(timeline.steps, pay_until=T0 + timedelta(seconds=900))
    assert drawn(waiting, after_s)[-1].endswith(f"waiting for a payment method, {left} left, until 12:15:00 UTC")


def test_a_line_of_a_log_tells_the_time_that_was_left() -> None:
    """At that moment, since the line is read later."""
    _, notes = advance(Timeline(), held().events)
    at = notes[-1].at
    until = at + timedelta(seconds=61)
    told = f"… AwaitPaymentMethod waiting for a payment method, 1:01 left, until {until:%H:%M:%S} UTC"
    assert render_saga.line(notes[-1], until).endswith(told)


def test_a_tick_is_still_paying_and_not_a_failure() -> None:
    """The hold is renewed between two attempts of the same payment."""
    history = History().unanswered("ProcessPayment").succeed("RenewSeatLock").answered("ProcessPayment")
    timeline, notes = advance(Timeline(), history.events)
    lines = [render_saga.line(note)[13:] for note in notes]
    assert "… ProcessPayment still paying, the hold is renewed (0.50 s)" in lines
    assert "· ProcessPayment again, attempt 2" in lines
    assert lines[-1] == "✓ ProcessPayment succeeded (0.50 s, attempt 2)"
    assert not [line for line in [*lines, *drawn(timeline)] if "✗" in line or "!" in line or "failed" in line]
    assert drawn(timeline)[0].endswith("still paying, the hold is renewed")


def test_choices_and_ends_are_not_drawn() -> None:
    """They do no work of their own."""
    assert not [line for line in drawn(timeline_of(paid_later().events)) if "PaymentMethodGiven" in line]
