"""The state machine against the code: what it names exists, what it reserves it can undo, and it always ends."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.api.services import cancellation_input
from chalicelib.baggage import models as baggage
from chalicelib.booking import models as booking
from chalicelib.flight import models as flight
from chalicelib.notification.models import BookingEvent
from chalicelib.payment import models as payment
from chalicelib.pricing import models as pricing
from chalicelib.recovery.models import BookingFacts, Settle
from chalicelib.recovery.services import settlement_input
from chalicelib.seat import models as seat
from chalicelib.shared import errors
from chalicelib.shared.errors import LelekaError, Transient
from chalicelib.shared.executions import ENVELOPE

PROJECT = Path(__file__).parents[2]
SAGA: dict[str, Any] = json.loads((PROJECT / "statemachine" / "booking_saga.asl.json").read_text())
CANCELLATION: dict[str, Any] = json.loads((PROJECT / "statemachine" / "cancellation_saga.asl.json").read_text())
STATES: dict[str, dict[str, Any]] = SAGA["States"]
CONFIG: dict[str, Any] = json.loads((PROJECT / "functions" / ".chalice" / "config.json").read_text())

FORWARD = [
    "CreateBooking",
    "ValidateFlight",
    "ReserveSeat",
    "ReserveBaggage",
    "CalculatePrice",
    "ProcessPayment",
    "ConfirmSeat",
    "ConfirmBooking",
]
COMPENSATION_OF = {
    "CreateBooking": "CancelBooking",
    "ReserveSeat": "ReleaseSeat",
    "ReserveBaggage": "ReleaseBaggage",
    "ProcessPayment": "RefundPayment",
}
COMPENSATIONS = ["RefundPayment", "ReleaseBaggage", "ReleaseSeat", "CancelBooking"]
OWN_ERRORS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
AWS_ERROR = re.compile(r"^(States|Lambda|Sandbox|Runtime|SNS|SQS)\.")


TOPICS_AND_QUEUES = {"BookingEventsTopic", "OperatorTopic", "PaymentCommandsQueue"}
NOT_FROM_THE_BOOKING_SAGA = {"CancelBooking": {"redriven"}, "FlagBooking": {"seen"}}
"""Fields with a default that only a cancellation, or the reconciler, gives."""
TICK = ("ProcessPayment", "States.Timeout")
"""The one Catch that begins no rollback: the hold is renewed and the payment asked for again."""


def tasks() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state that calls something."""
    return ((name, state) for name, state in STATES.items() if state["Type"] == "Task")


def function_tasks() -> list[tuple[str, dict[str, Any]]]:
    """Every state that calls one of our functions and takes its answer."""
    return [(name, state) for name, state in tasks() if state["Resource"].startswith("${")]


def waiting_tasks() -> list[tuple[str, dict[str, Any]]]:
    """Every state that waits for an answer by task token."""
    return [(name, state) for name, state in tasks() if state["Resource"].endswith(".waitForTaskToken")]


def catches(state: dict[str, Any]) -> dict[str, str]:
    """Error name to the state it leads to."""
    return {error: catch["Next"] for catch in state.get("Catch", []) for error in catch["ErrorEquals"]}


def retried(state: dict[str, Any]) -> set[str]:
    """The errors after which the state is tried again."""
    return {
        error for retry in state.get("Retry", []) if retry.get("MaxAttempts", 3) > 0 for error in retry["ErrorEquals"]
    }


def test_every_function_placeholder_is_a_registered_function() -> None:
    """A resource ``${Name}`` is the name under which Chalice registers a function, or a topic of the template."""
    from app import app  # noqa: PLC0415 - the whole Chalice project; only this test needs it

    registered = {function.name for function in app.pure_lambda_functions}
    placeholders = set(re.findall(r"\$\{(\w+)}", json.dumps([SAGA, CANCELLATION])))
    assert placeholders - registered == TOPICS_AND_QUEUES


def test_the_forward_path_is_the_eight_steps_in_order() -> None:
    """T1 to T8, each leading to the next, then the notification and the end."""
    walked, name = [], SAGA["StartAt"]
    while STATES[name]["Type"] != "Succeed":
        if STATES[name]["Type"] == "Task":
            walked.append(name)
        name = STATES[name].get("Next") or STATES[name]["Default"]
    assert walked == [*FORWARD, "NotifyConfirmed"]
    assert name == "BookingConfirmed"


def test_without_a_payment_method_the_saga_holds_waits_renews_and_pays() -> None:
    """The customer is told of the hold, and the hold is made whole again before the payment begins."""
    (choice,) = STATES["PaymentMethodGiven"]["Choices"]
    assert choice["IsNull"]
    walked, name = [], choice["Next"]
    while name != "ProcessPayment":
        walked.append(name)
        name = STATES[name]["Next"]
    assert walked == ["NotifyHeld", "AwaitPaymentMethod", "TakePaymentMethod", "RenewSeatLock"]


def test_a_payment_without_an_answer_renews_the_hold_and_is_asked_again() -> None:
    """After a third of the hold's time; a renewal that is refused ends in the refund."""
    assert catches(STATES["ProcessPayment"])["States.Timeout"] == "RenewSeatLock"
    assert STATES["ProcessPayment"]["TimeoutSecondsPath"] == "$.hold.renew_every_s"
    assert STATES["RenewSeatLock"]["Next"] == "ProcessPayment"
    assert catches(STATES["RenewSeatLock"]) == {"States.ALL": "RefundPayment"}


def test_a_hold_that_nobody_pays_is_rolled_back_with_its_reason() -> None:
    """States.Timeout becomes HoldExpired, which is what the customer is told."""
    assert STATES["AwaitPaymentMethod"]["TimeoutSecondsPath"] == "$.hold.ttl_s"
    assert catches(STATES["AwaitPaymentMethod"]) == {"States.Timeout": "HoldExpired", "States.ALL": "RefundPayment"}
    expired = STATES["HoldExpired"]
    assert (expired["Result"]["Error"], expired["ResultPath"], expired["Next"]) == (
        "HoldExpired",
        "$.error",
        "RefundPayment",
    )
    assert issubclass(OWN_ERRORS["HoldExpired"], LelekaError)


def test_a_cancellation_runs_the_same_compensations() -> None:
    """State by state as in the booking saga, from the refund on; only the end differs."""
    assert CANCELLATION["StartAt"] == "RefundPayment"
    for name in [*COMPENSATIONS, "AnythingStuck", "FlagBooking"]:
        own, other = dict(CANCELLATION["States"][name]), dict(STATES[name])
        if name == "CancelBooking":
            assert own.pop("Parameters") == {**other.pop("Parameters"), "redriven.$": "$.redriven"}
            assert own.pop("Comment").startswith(other.pop("Comment").removesuffix("."))
        assert own == other
    for name in ("NotifyCancelled", "NotifyOperator"):
        assert CANCELLATION["States"][name]["Parameters"] == STATES[name]["Parameters"]
    assert CANCELLATION["States"]["NotifyCancelled"]["Next"] == "BookingCancelled"
    assert CANCELLATION["States"]["NotifyOperator"]["Next"] == "CancellationStuck"


def test_whoever_starts_a_cancellation_gives_it_what_it_reads() -> None:
    """The API, for a customer, and the reconciler: every path that a state reads, but for what the states themselves
    write. A missing one would end the execution outside every Catch."""
    wish = {"booking": {"booking_id": "bk-1", "flight_id": "KBP-BCN-0615", "seat": "12A"}, "lock_id": "secret"}
    facts = BookingFacts(booking_id="bk-1", status="PENDING", flight_id="KBP-BCN-0615", seat="12A", lock_id="secret")
    by_customer, by_reconciler = cancellation_input(wish), settlement_input(facts, Settle(1, "SagaLost", "because"))
    assert by_customer.keys() == by_reconciler.keys()
    read = set(re.findall(r'"\$\.([a-z_.A-Z]+)"', json.dumps(_parameters(CANCELLATION["States"]))))
    assert "redriven" in read
    for given in (by_customer, by_reconciler):
        assert given["error"]["Error"] in OWN_ERRORS
        assert not given["redriven"]
        for path in set(re.findall(r'"\$\.([a-z_.A-Z]+)"', json.dumps(_parameters(CANCELLATION["States"])))) - {
            "stuck"
        }:
            value: Any = given
            for part in path.split("."):
                value = value[part]


@pytest.mark.parametrize("saga", [SAGA, CANCELLATION], ids=["booking", "cancellation"])
def test_only_a_loss_ends_an_execution_with_an_error_of_step_functions_own(saga: dict[str, Any]) -> None:
    """Each task catches everything that can be caught, so an execution that FAILED by itself with another error has
    come through its compensations; the rule that wakes the reconciler relies on that."""
    for name, state in saga["States"].items():
        if state["Type"] == "Task":
            assert "States.ALL" in catches(state), name


@pytest.mark.parametrize(("step", "compensation"), COMPENSATION_OF.items())
def test_a_step_that_reserves_is_undone_by_its_own_compensation(step: str, compensation: str) -> None:
    """Where the outcome is unknown, the step's own compensation runs; it does nothing where there is nothing."""
    assert catches(STATES[step])["States.ALL"] == compensation


@pytest.mark.parametrize("step", FORWARD)
def test_a_failed_step_reaches_every_compensation_that_is_due_in_reverse_order(step: str) -> None:
    """From any failure of a step, the compensations of all earlier steps run, last first."""
    earlier = FORWARD[: FORWARD.index(step)]
    due = [COMPENSATION_OF[done] for done in reversed(earlier) if done in COMPENSATION_OF]
    for error, first in catches(STATES[step]).items():
        if (step, error) == TICK:
            continue
        ran = list(_compensations_from(first))
        if step == "CreateBooking" and error != "States.ALL":
            assert ran == []
            continue
        assert [name for name in ran if name in due] == due, f"{step} failed with {error}"
        assert ran == [name for name in COMPENSATIONS if name in ran]


@pytest.mark.parametrize("step", [*FORWARD, *COMPENSATIONS])
def test_the_first_error_is_kept(step: str) -> None:
    """A forward step's error lies at $.error, and no compensation writes there."""
    paths = {catch["ResultPath"] for catch in STATES[step]["Catch"]}
    assert paths - {"$.tick"} == {"$.error"} if step in FORWARD else paths == {f"$.stuck.{step}"}


@pytest.mark.parametrize("compensation", COMPENSATIONS)
def test_a_compensation_that_fails_for_good_does_not_stop_the_next(compensation: str) -> None:
    """It goes on to where its success would have gone."""
    state = STATES[compensation]
    assert catches(state) == {"States.ALL": state["Next"]}


@pytest.mark.parametrize("compensation", COMPENSATIONS)
def test_a_compensation_is_tried_long_with_full_jitter(compensation: str) -> None:
    """Whatever goes wrong, it is tried again at least eight times."""
    (retry,) = STATES[compensation]["Retry"]
    assert retry["ErrorEquals"] == ["States.ALL"]
    assert retry["MaxAttempts"] >= 8
    assert retry["JitterStrategy"] == "FULL"


def test_every_failure_ends_in_fail_with_the_first_error() -> None:
    """From every Catch, whatever happens next, the execution ends as FAILED; and it always ends."""
    for name, state in tasks():
        if name in {"NotifyConfirmed", "NotifyHeld"}:
            continue  # their failure undoes nothing
        for error, following in catches(state).items():
            if (name, error) == TICK:
                continue
            assert _ends_of(following) == {"BookingFailed"}, f"{name} → {following}"
    assert STATES["BookingFailed"] == {
        "Comment": STATES["BookingFailed"]["Comment"],
        "Type": "Fail",
        "ErrorPath": "$.error.Error",
        "CausePath": "$.error.Cause",
    }


def test_every_error_named_is_a_class_that_exists() -> None:
    """A Catch or Retry for a class that nobody raises would be a hole that looks like a wall."""
    named = {error for _, state in tasks() for error in {*catches(state), *retried(state)}}
    for error in named:
        assert AWS_ERROR.match(error) or issubclass(OWN_ERRORS[error], LelekaError), error


@pytest.mark.parametrize(("name", "state"), function_tasks())
def test_a_transient_error_is_tried_again(name: str, state: dict[str, Any]) -> None:
    """Every step may meet a busy store; Lambda's own transient errors are always tried again, with full jitter."""
    again = retried(state)
    if "States.ALL" not in again:
        assert issubclass(OWN_ERRORS["StoreBusy"], Transient)
        assert {
            "StoreBusy",
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.TooManyRequestsException",
        } <= again, name
    assert all(retry["JitterStrategy"] == "FULL" for retry in state["Retry"] if retry.get("MaxAttempts") != 0)
    assert not any(issubclass(OWN_ERRORS[e], errors.Refusal) for e in again if e in OWN_ERRORS), name


def test_an_unknown_payment_is_asked_again_before_it_is_decided() -> None:
    """The same command, with the same key, tells whether the money was taken."""
    assert "PaymentOutcomeUnknown" in retried(STATES["ProcessPayment"])


@pytest.mark.parametrize(("name", "state"), list(tasks()))
def test_a_task_waits_longer_than_its_function_may_run(name: str, state: dict[str, Any]) -> None:
    """Otherwise the saga would compensate a function that is still at work."""
    if "TimeoutSecondsPath" in state:
        assert state["TimeoutSecondsPath"] in {"$.hold.ttl_s", "$.hold.renew_every_s"}
        return  # these wait for an answer, not for a function
    own = CONFIG["lambda_functions"].get(name, {}).get("lambda_timeout", CONFIG["lambda_timeout"])
    assert state["TimeoutSeconds"] > own


@pytest.mark.parametrize(("name", "state"), function_tasks())
def test_a_command_carries_just_the_fields_that_its_function_takes(name: str, state: dict[str, Any]) -> None:
    """The Parameters of a state are the fields of the command that the handler parses."""
    command = _command_of(name)
    sent = _without_envelope(state["Parameters"])
    assert sent == set(command.__struct_fields__) - NOT_FROM_THE_BOOKING_SAGA.get(name, set())


@pytest.mark.parametrize(("name", "state"), waiting_tasks())
def test_a_waiting_state_sends_its_token_with_just_the_fields_of_the_command(name: str, state: dict[str, Any]) -> None:
    """By the queue with the command's name, or to the function directly."""
    command = _command_of(name)
    body = state["Parameters"].get("MessageBody") or state["Parameters"]["Payload"]
    assert body["task_token.$"] == "$$.Task.Token"
    if "MessageBody" in state["Parameters"]:
        assert body["command"] == command.__struct_config__.tag == name
    assert _without_envelope(body) - {"command"} == set(command.__struct_fields__)


@pytest.mark.parametrize("saga", [SAGA, CANCELLATION], ids=["booking", "cancellation"])
def test_an_event_says_in_which_execution_it_is_published(saga: dict[str, Any]) -> None:
    """So that the lines of a mail are found with those of its saga."""
    events = [state["Parameters"]["Message"] for state in saga["States"].values() if "sns:publish" in str(state)]
    assert len(events) >= 2
    for event in events:
        assert "$$.Execution.Id" in event.values()
        assert "kind" not in event or _without_envelope(event) <= set(BookingEvent.__struct_fields__)


def _without_envelope(event: dict[str, Any]) -> set[str]:
    """The names of an event's fields, but for the one that every event carries besides its command."""
    assert event[f"{ENVELOPE}.$"] == "$$.Execution.Id"
    return {field.removesuffix(".$") for field in event} - {ENVELOPE}


def _parameters(states: dict[str, dict[str, Any]]) -> list[Any]:
    return [state.get("Parameters") for state in states.values()]


def _command_of(function: str) -> Any:
    for module in (baggage, booking, flight, payment, pricing, seat):
        if hasattr(module, f"{function}Command"):
            return getattr(module, f"{function}Command")
    raise AssertionError(f"no command for {function}")


def _compensations_from(name: str) -> Iterator[str]:
    while name in COMPENSATIONS:
        yield name
        name = STATES[name]["Next"]


def _ends_of(name: str) -> set[str]:
    ends, seen, todo = set(), set(), [name]
    while todo:
        current = todo.pop()
        if current in seen:
            continue
        seen.add(current)
        state = STATES[current]
        if state["Type"] in {"Succeed", "Fail"}:
            ends.add(current)
            continue
        todo += [*catches(state).values(), *(choice["Next"] for choice in state.get("Choices", []))]
        todo += [state[key] for key in ("Next", "Default") if key in state]
    return ends
