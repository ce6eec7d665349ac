"""What a booking's executions look like as a sequence diagram: what the history tells, no more and no less."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from leleka.diagram.model import Box, Diagram, DiagramError, Heading, Message, Remark, Tone
from leleka.diagram.story import diagram_of
from leleka.diagram.text import plantuml
from leleka.diagram.visits import run_of
from tests.unit.saga_history import TO_PAYMENT, History, cancelled, confirmed, declined, expired, held, paid_later

HISTORIES = [confirmed, declined, held, paid_later, expired, cancelled]
BY_CUSTOMER = ["Customer -> WebApp", "WebApp -> API"]


def drawn(*histories: History, kind: str = "saga") -> Diagram:
    """One execution a history; the first of this kind, the others cancellations."""
    runs = [
        run_of("cancellation" if index else kind, "bk-1", history.events) for index, history in enumerate(histories)
    ]
    return diagram_of(runs)


def said(diagram: Diagram) -> list[str]:
    """The arrows, as PlantUML writes them without colours."""
    return [f"{each.source} {each.arrow} {each.target}: {each.text}" for each in diagram.messages]


def remarks(diagram: Diagram) -> list[str]:
    """What is said on lifelines, in frames too."""
    parts = [inner for part in diagram.parts for inner in (part.parts if isinstance(part, Box) else (part,))]
    return [part.text for part in parts if isinstance(part, Remark)]


def between(lines: list[str], first: str, last: str) -> list[str]:
    """From the line that begins so to the next one that begins so, both included."""
    start = next(index for index, line in enumerate(lines) if line.startswith(first))
    end = next(index for index, line in enumerate(lines) if index >= start and line.startswith(last))
    return lines[start : end + 1]


def seat_step(name: str, error: str) -> History:
    """A saga whose step at the seat has failed once."""
    return History().enter(name).invoke().lambda_failed(error)


def paying() -> History:
    """A saga whose payment has gone into the queue."""
    return History().succeed(*TO_PAYMENT).ask("ProcessPayment")


def task_failed(history: History, error: str, how: str = "TaskFailed") -> History:
    """The token's answer is an error, or nothing has come."""
    return history.add(how, **{f"{how[0].lower()}{how[1:]}EventDetails": {"error": error}})


def test_a_booking_begins_with_its_customers_request_and_an_answer_that_does_not_wait_for_the_saga() -> None:
    """202 comes back while the orchestrator has only been told to start."""
    assert said(drawn(confirmed()))[:8] == [
        "Customer -> WebApp: book a seat",
        "WebApp -> API: POST /bookings",
        "API -> Booking: PlaceBooking",
        "Booking --> API: REQUESTED",
        "API ->> Orchestrator: StartExecution",
        "API --> WebApp: 202 Accepted",
        "WebApp --> Customer: under way",
        "Orchestrator -> Booking: T1 CreateBooking",
    ]


def test_the_seat_is_locked_before_its_row_is_written_and_unlocked_after_it() -> None:
    """What the step's code makes certain stands within the step, in the tone of what the history is silent about."""
    inner = [part for part in drawn(confirmed()).parts if isinstance(part, Message | Remark)]
    told = [
        (part.text, part.tone)
        for part in inner
        if "Seat" in {getattr(part, "over", ""), getattr(part, "source", ""), getattr(part, "target", "")}
    ]
    assert told == [
        ("T3 ReserveSeat", Tone.TOLD),
        ("SET NX GET PX", Tone.CODED),
        ("ours", Tone.CODED),
        ("conditional write", Tone.CODED),
        ("HELD", Tone.TOLD),
        ("T7 ConfirmSeat", Tone.TOLD),
        ("conditional write", Tone.CODED),
        ("DELIFEQ", Tone.CODED),
        ("gone", Tone.CODED),
        ("SOLD", Tone.TOLD),
    ]


def test_a_payment_goes_through_the_broker_and_comes_back_by_its_token() -> None:
    """Command, delivery, and the answer straight to the orchestrator."""
    lines = said(drawn(paying().add("TaskSucceeded").leave("ProcessPayment")))
    assert lines[-3:] == [
        "Orchestrator ->> Broker: T6 ProcessPayment\n+ task token",
        "Broker ->> Payment: ProcessPayment",
        "Payment -->> Orchestrator: receipt",
    ]


def test_a_declined_card_is_undone_in_a_frame_the_last_step_first() -> None:
    """Only the compensations stand in it; the mail comes after it."""
    diagram = drawn(declined())
    assert "Payment -->> Orchestrator: CardDeclined" in said(diagram)
    assert diagram.title == "A booking, rolled back: CardDeclined"
    frame = next(index for index, part in enumerate(diagram.parts) if isinstance(part, Box))
    box: Any = diagram.parts[frame]
    asked = [part.text for part in box.parts if isinstance(part, Message) and part.source == "Orchestrator"]
    assert asked == ["C3 ReleaseBaggage", "C2 ReleaseSeat", "C1 CancelBooking"]
    rest = [part.text for part in diagram.parts[frame + 1 :] if isinstance(part, Message | Remark)]
    assert rest == ["NotifyCancelled", "event", "mail: cancelled", "saga FAILED: CardDeclined"]


def test_each_attempt_is_drawn_and_a_failed_one_replies_with_its_error() -> None:
    """Three attempts: the step's own error, Lambda's, and the one that succeeded."""
    history = History().enter("ReserveBaggage").invoke().lambda_failed("StoreBusy")
    history.invoke().lambda_failed("Lambda.ServiceException").invoke().add("LambdaFunctionSucceeded")
    diagram = drawn(history.leave("ReserveBaggage"))
    assert said(diagram)[7:] == [
        "Orchestrator -> Baggage: T4 ReserveBaggage",
        "Baggage --> Orchestrator: StoreBusy",
        "Orchestrator -> Baggage: T4 ReserveBaggage, attempt 2",
        "Baggage --> Orchestrator: Lambda.ServiceException",
        "Orchestrator -> Baggage: T4 ReserveBaggage, attempt 3",
        "Baggage --> Orchestrator: HELD",
    ]
    assert [each.tone for each in diagram.messages[8::2]] == [Tone.FAILED, Tone.FAILED, Tone.TOLD]


def test_a_reply_that_never_came_is_not_drawn() -> None:
    """The time-out is the orchestrator's own word; whether the step reached the lock is not known."""
    timed_out = {"error": "States.Timeout"}
    history = History().enter("ReserveSeat").invoke()
    history.add("LambdaFunctionTimedOut", lambdaFunctionTimedOutEventDetails=timed_out).invoke()
    diagram = drawn(history)
    assert said(diagram)[7:] == [
        "Orchestrator -> Seat: T3 ReserveSeat",
        "Orchestrator -> Seat: T3 ReserveSeat, attempt 2",
    ]
    silence = next(part for part in diagram.parts if isinstance(part, Remark))
    assert (silence.over, silence.text, silence.ends) == ("Orchestrator", "no reply: States.Timeout", "Seat")


@pytest.mark.parametrize(
    ("step", "error", "command"),
    [
        ("ReserveSeat", "SeatTaken", "SET NX GET PX"),
        ("ReserveSeat", "InvalidRequest", None),
        ("ReserveSeat", "Lambda.Unknown", None),
        ("RenewSeatLock", "HoldLost", "SET IFEQ GET PX"),
        ("ConfirmSeat", "HoldLost", None),
        ("ReleaseSeat", "StoreBusy", None),
    ],
)
def test_a_seat_step_that_failed_shows_the_lock_only_if_it_certainly_asked_it(
    step: str, error: str, command: str | None
) -> None:
    """An error after the lock says that the lock was asked, not that the row was written."""
    diagram = drawn(seat_step(step, error))
    assert [each.text for each in diagram.messages if each.target == "Redis"] == ([command] if command else [])
    assert "conditional write" not in remarks(diagram)
    assert said(diagram)[-1] == f"Seat --> Orchestrator: {error}"


def test_an_unanswered_payment_is_followed_by_the_renewal_and_the_same_command() -> None:
    """Nothing is drawn from the payment service, which may not even have read the command."""
    history = History().succeed(*TO_PAYMENT).unanswered("ProcessPayment").succeed("RenewSeatLock")
    diagram = drawn(history.answered("ProcessPayment"))
    assert between(said(diagram), "Orchestrator ->> Broker", "Payment -->>") == [
        "Orchestrator ->> Broker: T6 ProcessPayment\n+ task token",
        "Orchestrator -> Seat: RenewSeatLock",
        "Seat -> Redis: SET IFEQ GET PX",
        "Redis --> Seat: ours",
        "Seat --> Orchestrator: HELD on",
        "Orchestrator ->> Broker: T6 ProcessPayment again\n+ task token",
        "Broker ->> Payment: ProcessPayment",
        "Payment -->> Orchestrator: receipt",
    ]
    assert "no answer: States.Timeout" in remarks(diagram)


def test_a_customer_who_pays_later_answers_the_saga_through_the_api() -> None:
    """The wait is a command with a token; its answer comes out of the customer's request."""
    diagram = drawn(paid_later())
    assert between(said(diagram), "Orchestrator ->> Booking", "Orchestrator -> Seat: RenewSeatLock")[:-1] == [
        "Orchestrator ->> Booking: AwaitPaymentMethod\n+ task token",
        "Customer -> WebApp: pay",
        "WebApp -> API: POST …/payment",
        "API -> Booking: SupplyPaymentMethod",
        "Booking -->> Orchestrator: payment method",
        "Booking --> API: PENDING",
        "API --> WebApp: 202 Accepted",
        "WebApp --> Customer: under way",
    ]
    assert "waits for the customer" in remarks(diagram)
    assert "Notification ->> Customer: mail: your seat is held" in said(diagram)


def test_a_customer_who_gives_the_seat_up_fails_the_wait_through_the_api() -> None:
    """The saga rolls back by itself; no second execution is drawn."""
    history = task_failed(held(), "CancelledByCustomer").leave("AwaitPaymentMethod")
    lines = said(drawn(history.answered("RefundPayment")))
    assert between(lines, "WebApp -> API: DELETE", "API --> WebApp") == [
        "WebApp -> API: DELETE …",
        "API -> Booking: RequestCancellation",
        "Booking -->> Orchestrator: CancelledByCustomer",
        "Booking --> API: AWAITING_PAYMENT",
        "API --> WebApp: 202 Accepted",
    ]


def test_a_hold_that_expires_shows_no_customer_and_is_undone() -> None:
    """All four compensations, since a payment can't be ruled out by the state machine."""
    diagram = drawn(expired())
    assert remarks(diagram)[-5:-1] == [
        "waits for the customer",
        "no answer: States.Timeout",
        "nobody paid in time: HoldExpired",
        "conditional write",
    ]
    assert sum(line.startswith("Customer ->") for line in said(diagram)) == 1
    assert [line for line in said(diagram) if re.search(r": C\d", line)] == [
        "Orchestrator ->> Broker: C4 RefundPayment\n+ task token",
        "Orchestrator -> Baggage: C3 ReleaseBaggage",
        "Orchestrator -> Seat: C2 ReleaseSeat",
        "Orchestrator -> Booking: C1 CancelBooking",
    ]


def test_a_cancellation_follows_the_saga_that_it_undoes() -> None:
    """With its customer's request, and a frame of its own."""
    diagram = drawn(confirmed(), cancelled())
    assert diagram.title == "A booking, confirmed, then cancelled"
    headings = [part.text for part in diagram.parts if isinstance(part, Heading)]
    assert headings == ["The booking saga", "The cancellation saga, because the customer asked"]
    assert between(said(diagram), "Customer -> WebApp: cancel", "Orchestrator") == [
        "Customer -> WebApp: cancel",
        "WebApp -> API: DELETE …",
        "API -> Booking: RequestCancellation",
        "Booking --> API: CONFIRMED",
        "API -> Flight: ValidateFlight",
        "Flight --> API: not departed",
        "API ->> Orchestrator: StartExecution",
        "API --> WebApp: 202 Accepted",
        "WebApp --> Customer: under way",
        "Orchestrator ->> Broker: C4 RefundPayment\n+ task token",
    ]
    assert sum(isinstance(part, Box) for part in diagram.parts) == 1


@pytest.mark.parametrize(
    ("kind", "starts", "title"),
    [
        ("settlement", "Recovery ->> Orchestrator: StartExecution", "A booking, then settled"),
        ("redrive", "Operator ->> Orchestrator: StartExecution (leleka ops redrive)", "A booking, then driven again"),
    ],
)
def test_what_nobody_asked_for_at_the_api_shows_who_started_it(kind: str, starts: str, title: str) -> None:
    """Also where Step Functions has forgotten the saga itself."""
    diagram = drawn(cancelled(), kind=kind)
    assert said(diagram)[0] == starts
    assert diagram.title == title
    assert not any(line.startswith(tuple(BY_CUSTOMER)) for line in said(diagram))


def test_a_saga_that_still_runs_ends_where_its_history_ends() -> None:
    """A command that nobody has answered is not shown as delivered."""
    diagram = drawn(paying())
    assert said(diagram)[-1] == "Orchestrator ->> Broker: T6 ProcessPayment\n+ task token"
    assert (diagram.title, remarks(diagram)[-1]) == ("A booking, under way", "still running")
    waiting = drawn(held())
    assert said(waiting)[-1] == "Orchestrator ->> Booking: AwaitPaymentMethod\n+ task token"
    assert remarks(waiting)[-2:] == ["waits for the customer", "still running"]


def test_a_saga_that_was_stopped_shows_no_answer_to_what_was_under_way() -> None:
    """The end is the orchestrator's, and no service has said it."""
    stopped = {"error": "Aborted"}
    diagram = drawn(paying().add("ExecutionAborted", executionAbortedEventDetails=stopped))
    assert said(diagram)[-1] == "Orchestrator ->> Broker: T6 ProcessPayment\n+ task token"
    assert (diagram.title, remarks(diagram)[-1]) == ("A booking, broken off: Aborted", "saga ABORTED: Aborted")


def test_a_compensation_that_is_stuck_is_flagged_outside_the_frame() -> None:
    """Its attempts stand in the frame; the booking's flag and the operator's message come after it."""
    history = History().answered("RefundPayment").refuse("ReleaseBaggage", "StoreBusy")
    history.succeed("ReleaseSeat", "CancelBooking", "FlagBooking").publish("NotifyOperator")
    diagram = drawn(history, kind="redrive")
    after = diagram.parts[[isinstance(part, Box) for part in diagram.parts].index(True) + 1 :]
    assert [part.text for part in after if isinstance(part, Message)] == [
        "FlagBooking",
        "NEEDS_ATTENTION",
        "NotifyOperator",
        "a booking needs attention",
    ]
    assert "Baggage --> Orchestrator: StoreBusy" in said(diagram)
    assert said(diagram)[-1] == "Broker ->> Operator: a booking needs attention"


def test_a_queue_that_took_no_command_answers_itself() -> None:
    """Nothing came to the payment service."""
    history = History().enter("ProcessPayment").add("TaskScheduled")
    task_failed(history, "SQS.AmazonSQSException", "TaskSubmitFailed")
    lines = said(drawn(history.add("TaskScheduled")))
    assert lines[-3:] == [
        "Orchestrator ->> Broker: T6 ProcessPayment\n+ task token",
        "Broker -->> Orchestrator: SQS.AmazonSQSException",
        "Orchestrator ->> Broker: T6 ProcessPayment, attempt 2\n+ task token",
    ]


def test_an_event_that_was_not_published_brings_no_mail() -> None:
    """Refused by the topic, or without an answer in time."""
    history = task_failed(History().enter("NotifyConfirmed").add("TaskScheduled"), "SNS.AmazonSNSException")
    task_failed(history.add("TaskScheduled"), "States.Timeout", "TaskTimedOut")
    diagram = drawn(history.leave("NotifyConfirmed"))
    assert said(diagram)[7:] == [
        "Orchestrator ->> Broker: NotifyConfirmed",
        "Broker -->> Orchestrator: SNS.AmazonSNSException",
        "Orchestrator ->> Broker: NotifyConfirmed, attempt 2",
    ]
    assert "no answer: States.Timeout" in remarks(diagram)


@pytest.mark.parametrize("history", HISTORIES)
def test_what_is_drawn_of_a_running_saga_stays_when_it_goes_on(history: Callable[[], History]) -> None:
    """At every event of it: the arrows so far are the beginning of the arrows at its end."""
    events = history().events
    whole = said(diagram_of([run_of("saga", "bk-1", events)]))
    lengths = []
    for end in range(1, len(events) + 1):
        part = said(diagram_of([run_of("saga", "bk-1", events[:end])]))
        assert part == whole[: len(part)]
        lengths.append(len(part))
    assert lengths == sorted(lengths)
    assert lengths[-1] > lengths[0]


def test_the_order_in_which_events_are_read_changes_nothing() -> None:
    """Step Functions gives the newest first when asked so."""
    assert run_of("saga", "bk-1", declined().events[::-1]) == run_of("saga", "bk-1", declined().events)


def test_times_are_told_only_when_asked_for() -> None:
    """Without them two bookings that went the same way make the same text; with them ids, dates and durations show."""
    early = confirmed().events
    late = [{**event, "timestamp": event["timestamp"] + timedelta(seconds=event["id"])} for event in early]
    runs = [run_of("saga", "bk-1", early)], [run_of("saga", "bk-2", late)]
    plain = [plantuml(diagram_of(run)) for run in runs]
    assert plain[0] == plain[1]
    assert not re.search(r"bk-|2026|\d s\b", plain[0])
    timed = diagram_of(runs[0], times=True)
    assert "Booking --> Orchestrator: PENDING (0.30 s)" in said(timed)
    assert isinstance(timed.parts[0], Heading)
    assert timed.parts[0].text == "The booking saga: bk-1, 2026-11-23 12:00:00 UTC (4.80 s)"


def test_an_error_without_a_name_is_still_an_error() -> None:
    """A history may be silent about it."""
    diagram = drawn(paying().add("TaskFailed").leave("ProcessPayment"))
    assert said(diagram)[-1] == "Payment -->> Orchestrator: an error without a name"
    assert diagram.messages[-1].tone is Tone.FAILED


def test_a_state_that_nobody_knows_here_is_an_error_that_names_it() -> None:
    """A history of another version of the state machine."""
    with pytest.raises(DiagramError, match="a state ReserveMeal"):
        drawn(History().succeed("ReserveMeal"))


def test_nothing_makes_no_diagram() -> None:
    """Instead of an empty picture."""
    with pytest.raises(DiagramError, match="nothing has run"):
        diagram_of([])
