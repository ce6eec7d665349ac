"""A saga's history, in the shape of GetExecutionHistory, told as a timeline."""

import itertools
from collections.abc import Iterable
from typing import Any

import pytest

from chalicelib.api.history import advance, timeline_of
from chalicelib.api.timeline import Outcome, Role, State, Timeline
from leleka.follow import FollowError, SagaNotFound, SagaStillRunning, execution_arn, follow
from tests.unit.saga_history import (
    T0,
    TO_PAYMENT,
    History,
    StepFunctions,
    cancelled,
    confirmed,
    declined,
    expired,
    held,
    paid_later,
)

EXECUTION = "arn:aws:states:eu-central-1:000000000000:execution:saga:bk-1"


def states(timeline: Timeline) -> dict[str, State]:
    return {step.name: step.state for step in timeline.steps}


def test_a_confirmed_booking_has_every_step_succeeded_and_nothing_rolled_back() -> None:
    """The happy path: eight steps, a notice, the end."""
    timeline = timeline_of(confirmed().events)
    assert timeline.outcome is Outcome.SUCCEEDED
    assert set(states(timeline).values()) == {State.SUCCEEDED}
    assert [step.name for step in timeline.steps if step.role is Role.FORWARD][-1] == "ConfirmBooking"
    assert timeline.rolled_back == []


def test_a_declined_card_shows_the_rollback_in_its_order() -> None:
    """The baggage first, the seat next, the booking last; and the error that began it."""
    timeline = timeline_of(declined().events)
    assert timeline.rolled_back == ["ReleaseBaggage", "ReleaseSeat", "CancelBooking"]
    assert (timeline.outcome, timeline.error) == (Outcome.FAILED, "CardDeclined")


def test_what_was_undone_is_compensated_and_what_only_read_is_not() -> None:
    """T2 and T5 changed nothing, so nothing undoes them; T6 was refused."""
    found = states(timeline_of(declined().events))
    assert [name for name in TO_PAYMENT if found[name] is State.COMPENSATED] == [
        "CreateBooking",
        "ReserveSeat",
        "ReserveBaggage",
    ]
    assert (found["ValidateFlight"], found["ProcessPayment"]) == (State.SUCCEEDED, State.FAILED)


def test_a_payment_that_failed_stays_failed_after_its_refund() -> None:
    """The refund makes sure that nothing is kept; it undoes no success."""
    history = History().succeed(*TO_PAYMENT).refuse("ProcessPayment", "PaymentOutcomeUnknown")
    history.succeed("RefundPayment")
    assert states(timeline_of(history.events))["ProcessPayment"] is State.FAILED


def test_a_step_tells_how_long_it_took_and_how_often_it_was_tried() -> None:
    """From entering to leaving, pauses included; the error of an attempt that a later one made good is gone."""
    history = History().enter("ReserveSeat").invoke().lambda_failed("StoreBusy").invoke()
    history.add("LambdaFunctionSucceeded").leave("ReserveSeat")
    [step] = timeline_of(history.events).steps
    assert (step.state, step.attempts, step.error) == (State.SUCCEEDED, 2, None)
    assert step.duration_s == pytest.approx(0.7)


def test_between_two_attempts_a_step_is_retrying_with_the_error_of_the_first() -> None:
    """What a person sees during the pause."""
    history = History().enter("ReserveSeat").invoke().lambda_failed("StoreBusy")
    [step] = timeline_of(history.events).steps
    assert (step.state, step.attempts, step.error) == (State.RETRYING, 1, "StoreBusy")


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("LambdaFunctionFailed", "lambdaFunctionFailedEventDetails"),
        ("LambdaFunctionTimedOut", "lambdaFunctionTimedOutEventDetails"),
        ("LambdaFunctionScheduleFailed", "lambdaFunctionScheduleFailedEventDetails"),
        ("LambdaFunctionStartFailed", "lambdaFunctionStartFailedEventDetails"),
        ("TaskFailed", "taskFailedEventDetails"),
        ("TaskTimedOut", "taskTimedOutEventDetails"),
        ("TaskSubmitFailed", "taskSubmitFailedEventDetails"),
    ],
)
def test_every_kind_of_failed_attempt_keeps_its_error_name(kind: str, details: str) -> None:
    """Step Functions has one event type and one key for each."""
    history = History().enter("ReserveSeat").invoke().add(kind, **{details: {"error": "States.Timeout"}})
    [step] = timeline_of(history.leave("ReserveSeat").events).steps
    assert (step.state, step.error) == (State.FAILED, "States.Timeout")


def test_a_step_that_waits_for_its_task_token_is_waiting() -> None:
    """TaskSubmitted: the command is on its way, the answer is not here."""
    history = History().enter("AwaitPaymentMethod").add("TaskScheduled").add("TaskStarted").add("TaskSubmitted")
    [step] = timeline_of(history.events).steps
    assert step.state is State.WAITING


def test_a_compensation_that_failed_for_good_undid_nothing() -> None:
    """The next one runs all the same, but the seat does not count as given back."""
    history = History().succeed(*TO_PAYMENT).refuse("ProcessPayment", "CardDeclined").succeed("ReleaseBaggage")
    history.refuse("ReleaseSeat", "StoreBusy").succeed("CancelBooking", "FlagBooking")
    timeline = timeline_of(history.events)
    assert timeline.rolled_back == ["ReleaseBaggage", "CancelBooking"]
    assert states(timeline)["ReserveSeat"] is State.SUCCEEDED


@pytest.mark.parametrize(
    ("kind", "outcome"), [("ExecutionAborted", Outcome.ABORTED), ("ExecutionTimedOut", Outcome.TIMED_OUT)]
)
def test_an_execution_that_was_ended_from_outside_leaves_no_step_running(kind: str, outcome: Outcome) -> None:
    """Its last step failed with it."""
    timeline = timeline_of(History().enter("ReserveSeat").invoke().add(kind).events)
    assert timeline.outcome is outcome
    assert (timeline.steps[-1].state, timeline.steps[-1].error) == (State.FAILED, outcome.value)


def test_a_state_that_is_entered_twice_is_two_steps() -> None:
    """A loop in the machine is a sequence in the timeline."""
    timeline = timeline_of(History().succeed("ProcessPayment", "RenewSeatLock", "ProcessPayment").events)
    assert [step.name for step in timeline.steps] == ["ProcessPayment", "RenewSeatLock", "ProcessPayment"]


def test_a_payment_without_an_answer_in_time_is_asked_again_and_is_no_failure() -> None:
    """The watchdog's tick: the hold is renewed between the two, and the attempts are counted on."""
    history = History().unanswered("ProcessPayment").succeed("RenewSeatLock").answered("ProcessPayment")
    first, _, second = timeline_of(history.events).steps
    assert (first.state, second.state) == (State.UNANSWERED, State.SUCCEEDED)
    assert (first.attempts_before, second.attempts_before, second.attempts) == (0, 1, 1)


def test_a_payment_that_failed_with_another_error_is_a_failure_on_any_attempt() -> None:
    """Only the time-out is part of the plan."""
    history = History().unanswered("ProcessPayment").succeed("RenewSeatLock").ask("ProcessPayment")
    history.add("TaskFailed", taskFailedEventDetails={"error": "CardDeclined"}).leave("ProcessPayment")
    assert timeline_of(history.events).steps[-1].state is State.FAILED


def test_a_hold_that_nobody_paid_is_expired_and_all_of_it_is_undone() -> None:
    """The wait ran out, the Pass state says so, the rollback follows."""
    timeline = timeline_of(expired().events)
    found = states(timeline)
    assert (found["AwaitPaymentMethod"], found["HoldExpired"]) == (State.EXPIRED, State.EXPIRED)
    assert timeline.rolled_back == ["RefundPayment", "ReleaseBaggage", "ReleaseSeat", "CancelBooking"]
    assert found["ReserveSeat"] is State.COMPENSATED


def test_only_the_wait_for_a_payment_method_awaits_the_customer() -> None:
    """A payment on its way waits too, but for a machine."""
    assert timeline_of(held().events).awaits_customer
    assert not timeline_of(paid_later().events).awaits_customer
    assert not timeline_of(History().ask("ProcessPayment").events).awaits_customer
    assert not Timeline().awaits_customer


def test_a_cancellation_undoes_the_steps_of_the_booking() -> None:
    """The steps of the one saga come before those of the other, and turn to compensated."""
    booked = timeline_of(paid_later().events)
    timeline, notes = advance(Timeline(booked.steps), cancelled().events)
    found = states(timeline)
    undone = ["CreateBooking", "ReserveSeat", "ReserveBaggage", "ProcessPayment", "ConfirmSeat", "ConfirmBooking"]
    assert [name for name, state in found.items() if state is State.COMPENSATED] == undone
    assert next(n.step.name for n in notes if n.what == State.COMPENSATED) == "ProcessPayment"
    assert timeline.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("size", [1, 2, 7])
def test_events_in_pieces_give_the_same_timeline_and_each_note_once(size: int) -> None:
    """However the polls fall, and although every piece repeats the one before."""
    events = declined().events
    whole, all_notes = advance(Timeline(), events)
    timeline, notes = Timeline(), []
    for end in range(size, len(events) + size, size):
        timeline, news = advance(timeline, reversed(events[max(0, end - 2 * size) : end]))
        notes += news
    assert timeline == whole
    assert notes == all_notes


def test_the_notes_tell_the_rollback_as_it_happens() -> None:
    """For a log: the failure, then each compensation with what it undid."""
    _, notes = advance(Timeline(), declined().events)
    told = [f"{note.step.name} {note.what}" for note in notes]
    start = told.index("ProcessPayment failed")
    assert told[start : start + 7] == [
        "ProcessPayment failed",
        "ReleaseBaggage entered",
        "ReleaseBaggage succeeded",
        "ReserveBaggage compensated",
        "ReleaseSeat entered",
        "ReleaseSeat succeeded",
        "ReserveSeat compensated",
    ]


def run(client: Any, timeout_s: float = 60.0) -> Iterable[tuple[Timeline, list[Any]]]:
    now = iter(range(10_000))
    return follow(client, EXECUTION, timeout_s=timeout_s, clock=lambda: float(next(now)), wait=lambda _s: None)


@pytest.mark.parametrize("page", [100, 3])
def test_following_ends_with_the_execution_and_misses_no_event(page: int) -> None:
    """Also when what is new does not fit on one page of the answer."""
    client = StepFunctions(declined().events, step=10, page=page)
    *_, (timeline, _notes) = run(client)
    assert timeline == timeline_of(declined().events)


def test_following_asks_for_no_page_that_it_has_read() -> None:
    """Newest first, and back only as far as something is new."""
    client = StepFunctions(declined().events, step=3, page=3)
    assert len(list(run(client))) == client.calls


def test_a_saga_that_outlasts_the_wait_is_an_error_that_names_the_booking() -> None:
    """Nothing waits for ever."""
    client = StepFunctions(History().enter("ProcessPayment").invoke().events, step=10)
    with pytest.raises(SagaStillRunning, match=r"after 5 s: bk-1"):
        list(run(client, timeout_s=5))


def test_a_customers_time_to_pay_does_not_count_but_has_an_end() -> None:
    """A hold outlasts any patience with machines; a wait that never ends does not."""
    looks = list(itertools.islice(run(StepFunctions(held().events, step=100), timeout_s=5), 100))
    assert len(looks) == 100
    with pytest.raises(SagaStillRunning):
        for _ in itertools.islice(run(StepFunctions(held().events, step=100), timeout_s=5), 5_000):
            pass


def test_following_looks_less_often_while_only_the_customer_can_go_on() -> None:
    """A quarter of an hour at five looks a second would be thousands."""
    waits: list[float] = []
    now = iter(range(10_000))
    client: Any = StepFunctions(paid_later().events, step=len(held().events))
    looks = follow(client, EXECUTION, timeout_s=60, poll_s=0.2, clock=lambda: float(next(now)), wait=waits.append)
    assert list(looks)[-1][0].outcome is Outcome.SUCCEEDED
    assert waits == [1.0]


def test_a_booking_without_a_saga_is_an_error_that_names_it() -> None:
    """A mistyped booking id."""

    class Nothing(StepFunctions):
        def get_execution_history(self, **_request: Any) -> dict[str, Any]:
            raise self.exceptions.ExecutionDoesNotExist

    with pytest.raises(SagaNotFound, match="bk-1"):
        list(run(Nothing([], 1)))


def test_a_history_without_an_end_is_not_read_for_ever() -> None:
    """A service that always promises another page."""

    class Endless(StepFunctions):
        def get_execution_history(self, **_request: Any) -> dict[str, Any]:
            return {"events": [{"id": 10_000, "type": "X", "timestamp": T0}], "nextToken": "more"}

    with pytest.raises(FollowError, match="no booking"):
        list(run(Endless([], 1)))


def test_the_execution_of_a_booking_bears_its_id() -> None:
    """The ARN that the console, the logs and the CLI share."""
    saga = "arn:aws:states:eu-central-1:000000000000:stateMachine:saga"
    assert execution_arn(saga, "bk-1") == EXECUTION
