"""Which executions a booking's story has, what it costs to find them, and what of them is told."""

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import msgspec
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from chalicelib.api.models import ApiConfig, Saga
from chalicelib.api.models import History as Told
from chalicelib.api.services import Services
from chalicelib.api.story import NUMBERED_MAX, Execution, story_of
from chalicelib.api.timeline import State
from chalicelib.api.views import execution_view
from chalicelib.recovery.models import SETTLEMENTS_MAX
from chalicelib.recovery.services import settlement_name
from chalicelib.shared.errors import ServiceUnavailable
from leleka.stack.config import free_ports
from tests.unit.saga_history import TO_PAYMENT, History, cancelled, confirmed, declined, held

ID = "bk-abcdefghijklmnopqrstuvwxyz"
CANCELLATION = f"undo {ID}"
SETTLEMENTS = [f"undo {ID}-settle-{number}" for number in range(1, 10)]
REDRIVES = [f"undo {ID}-redrive-{number}" for number in range(1, 10)]


def aborted() -> History:
    """A saga that an operator stopped while its customer had the time to pay."""
    return held().add("ExecutionAborted")


def broken() -> History:
    """A cancellation that came as far as the refund."""
    return History().answered("RefundPayment").add("ExecutionTimedOut")


class Orchestrator:
    """Executions by name, one a minute; it remembers for which it was asked."""

    def __init__(self, **histories: History) -> None:
        self.asked: list[str] = []
        self._events: dict[str, list[dict[str, Any]]] = {}
        for minute, (name, history) in enumerate(histories.items()):
            later = [{**each, "timestamp": each["timestamp"] + timedelta(minutes=minute)} for each in history.events]
            self._events[name] = later

    def history(self, saga: Saga, name: str) -> Told:
        """As Services does."""
        called = name if saga is Saga.BOOKING else f"undo {name}"
        self.asked.append(called)
        return Told(f"arn:{called}", self._events.get(called, []))


def booking(status: str, *, once_confirmed: bool = False) -> dict[str, Any]:
    """What matters of a booking."""
    return {"booking_id": ID, "status": status, **({"amount_minor": 7990} if once_confirmed else {})}


def kinds(story: list[Execution]) -> list[tuple[str, str]]:
    """Kind and outcome of each."""
    return [(each.kind.value, each.timeline.outcome.value) for each in story]


def states(execution: Execution) -> dict[str, State]:
    return {step.name: step.state for step in execution.timeline.steps}


@pytest.mark.parametrize("status", ["REQUESTED", "PENDING", "AWAITING_PAYMENT"])
def test_a_saga_under_way_costs_one_look(status: str) -> None:
    """It is looked at each second, by everybody who waits for it."""
    orchestrator = Orchestrator(**{ID: held()})
    assert kinds(story_of(booking(status), orchestrator)) == [("saga", "RUNNING")]
    assert orchestrator.asked == [ID]


def test_a_booking_whose_saga_has_not_begun_has_no_story() -> None:
    """Between keeping the request and starting the saga."""
    orchestrator = Orchestrator()
    assert story_of(booking("REQUESTED"), orchestrator) == []
    assert orchestrator.asked == [ID]


def test_an_execution_without_any_event_has_not_begun() -> None:
    """Step Functions may answer so in the moment of the start."""
    orchestrator = Orchestrator()
    orchestrator._events[ID] = []
    assert story_of(booking("REQUESTED"), orchestrator) == []


def test_of_a_confirmed_booking_only_its_cancellation_is_looked_for() -> None:
    """Nobody settles what is confirmed, and a page that shows it asks no more."""
    orchestrator = Orchestrator(**{ID: confirmed()})
    assert kinds(story_of(booking("CONFIRMED", once_confirmed=True), orchestrator)) == [("saga", "SUCCEEDED")]
    assert orchestrator.asked == [ID, CANCELLATION]


def test_what_was_never_confirmed_has_no_cancellation_to_look_for() -> None:
    """Its own saga rolled it back; a late settlement of it is possible."""
    orchestrator = Orchestrator(**{ID: declined()})
    assert kinds(story_of(booking("CANCELLED"), orchestrator)) == [("saga", "FAILED")]
    assert orchestrator.asked == [ID, SETTLEMENTS[0], REDRIVES[0]]


def test_a_cancellation_is_told_after_the_saga_whose_steps_it_undid() -> None:
    """All of them but those that only read."""
    orchestrator = Orchestrator(**{ID: confirmed(), CANCELLATION: cancelled()})
    story = story_of(booking("CANCELLED", once_confirmed=True), orchestrator)
    assert kinds(story) == [("saga", "SUCCEEDED"), ("cancellation", "SUCCEEDED")]
    found = states(story[0])
    undone = ["CreateBooking", "ReserveSeat", "ReserveBaggage", "ProcessPayment", "ConfirmSeat", "ConfirmBooking"]
    assert [name for name, state in found.items() if state is State.COMPENSATED] == undone
    assert found["NotifyConfirmed"] is State.SUCCEEDED
    assert State.COMPENSATED not in states(story[1]).values()


def test_a_cancellation_under_way_has_undone_what_it_has_undone() -> None:
    """The refund is through, the rest stands; what may come after it is not looked for yet."""
    orchestrator = Orchestrator(**{ID: confirmed(), CANCELLATION: History().answered("RefundPayment")})
    story = story_of(booking("CONFIRMED", once_confirmed=True), orchestrator)
    assert (states(story[0])["ProcessPayment"], states(story[0])["ReserveSeat"]) == ("compensated", "succeeded")
    assert orchestrator.asked == [ID, CANCELLATION]


def test_a_compensation_that_failed_for_good_undid_nothing_of_another_saga_either() -> None:
    """The seat is still held, and so it is shown."""
    history = History().answered("RefundPayment").refuse("ReleaseSeat", "StoreBusy").succeed("CancelBooking")
    orchestrator = Orchestrator(**{ID: confirmed(), CANCELLATION: history})
    found = states(story_of(booking("NEEDS_ATTENTION", once_confirmed=True), orchestrator)[0])
    assert (found["ReserveSeat"], found["ConfirmBooking"]) == (State.SUCCEEDED, State.COMPENSATED)


def test_a_cancellation_that_broke_is_settled_and_the_settlement_is_told() -> None:
    """The one case in which a confirmed booking may have one."""
    names = {ID: confirmed(), CANCELLATION: broken(), SETTLEMENTS[0]: cancelled()}
    orchestrator = Orchestrator(**names)
    story = story_of(booking("CONFIRMED", once_confirmed=True), orchestrator)
    assert kinds(story) == [("saga", "SUCCEEDED"), ("cancellation", "TIMED_OUT"), ("settlement", "SUCCEEDED")]
    assert states(story[0])["ReserveSeat"] is State.COMPENSATED


def test_a_lost_saga_has_its_settlements_and_redrives_in_the_order_in_which_they_began() -> None:
    """Numbers are given without a gap, so the first that is missing ends the search."""
    names = {ID: aborted(), SETTLEMENTS[0]: broken(), REDRIVES[0]: broken(), SETTLEMENTS[1]: cancelled()}
    orchestrator = Orchestrator(**names, **{SETTLEMENTS[3]: cancelled()})
    told = [each.arn.removeprefix("arn:") for each in story_of(booking("AWAITING_PAYMENT"), orchestrator)]
    assert told == list(names)
    assert orchestrator.asked == [ID, *SETTLEMENTS[:3], *REDRIVES[:2]]


def test_a_saga_that_was_stopped_and_seems_to_run_hides_no_settlement() -> None:
    """Where an execution's end becomes known late, the booking's end is enough to look further."""
    orchestrator = Orchestrator(**{ID: held(), SETTLEMENTS[0]: cancelled()})
    assert kinds(story_of(booking("CANCELLED"), orchestrator)) == [("saga", "RUNNING"), ("settlement", "SUCCEEDED")]


def test_the_number_of_looks_has_an_end() -> None:
    """Whatever an operator did to a booking."""
    orchestrator = Orchestrator(**{name: cancelled() for name in [ID, CANCELLATION, *SETTLEMENTS, *REDRIVES]})
    assert len(story_of(booking("CANCELLED", once_confirmed=True), orchestrator)) == 2 + 2 * NUMBERED_MAX


def test_settlements_are_looked_for_as_the_reconciler_names_and_counts_them() -> None:
    """The two services don't import each other; this is where they agree."""
    orchestrator = Orchestrator(**{ID: declined()})
    story_of(booking("CANCELLED"), orchestrator)
    assert f"undo {settlement_name(ID, 1)}" in orchestrator.asked
    assert NUMBERED_MAX >= SETTLEMENTS_MAX


def test_a_slow_orchestrator_is_not_asked_on_and_on() -> None:
    """The customer gets an answer before their browser gives up."""
    orchestrator = Orchestrator(**{name: cancelled() for name in [ID, *SETTLEMENTS]})
    seconds = itertools.count(step=1.5)
    with pytest.raises(ServiceUnavailable):
        story_of(booking("CANCELLED"), orchestrator, monotonic=lambda: next(seconds))
    assert len(orchestrator.asked) == 2


def test_an_execution_is_shown_with_names_and_times_and_nothing_else() -> None:
    """The contract with the page; inputs, outputs, causes and tokens are not part of it."""
    history = History().succeed("CreateBooking").enter("ReserveSeat").invoke().lambda_failed("StoreBusy").invoke()
    [execution] = story_of(booking("PENDING"), Orchestrator(**{ID: history}))
    assert json.loads(msgspec.json.encode(execution_view(execution))) == {
        "kind": "saga",
        "execution_id": f"arn:{ID}",
        "outcome": "RUNNING",
        "error": None,
        "started_at": "2026-11-23T12:00:00.100Z",
        "duration_s": None,
        "steps": [
            {
                "name": "CreateBooking",
                "role": "forward",
                "state": "succeeded",
                "entered_at": "2026-11-23T12:00:00.200Z",
                "duration_s": 0.4,
                "attempts": 1,
                "attempts_before": 0,
                "error": None,
            },
            {
                "name": "ReserveSeat",
                "role": "forward",
                "state": "running",
                "entered_at": "2026-11-23T12:00:00.700Z",
                "duration_s": None,
                "attempts": 2,
                "attempts_before": 0,
                "error": "StoreBusy",
            },
        ],
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("CardDeclined", "CardDeclined"),
        ("States.Timeout", "States.Timeout"),
        ("lock 3f2a of Olena was refused", "Error"),
        ("", "Error"),
        ("X" * 81, "Error"),
    ],
)
def test_an_error_is_shown_by_its_name_and_a_text_in_its_place_is_not(name: str, shown: str) -> None:
    """Of the step, and of the execution that it ended."""
    history = History().succeed(*TO_PAYMENT).refuse("ProcessPayment", name)
    history.add("ExecutionFailed", executionFailedEventDetails={"error": name, "cause": "secret"})
    [execution] = story_of(booking("PENDING"), Orchestrator(**{ID: history}))
    view = execution_view(execution)
    assert (view.error, view.steps[-1].error) == (shown, shown)


def test_two_clocks_make_no_negative_duration() -> None:
    """An event may be stamped earlier than the one before it."""
    history = History().enter("ReserveSeat").leave("ReserveSeat")
    history.events[-1]["timestamp"] -= timedelta(seconds=1)
    [execution] = story_of(booking("PENDING"), Orchestrator(**{ID: history}))
    assert execution_view(execution).steps[0].duration_s == 0


ARN = f"arn:aws:states:eu-central-1:000000000000:execution:b:{ID}"
UNDO_ARN = f"arn:aws:states:eu-central-1:000000000000:execution:c:{ID}"
ASKED = {"executionArn": ARN, "includeExecutionData": False, "maxResults": 1000}


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's, for clients that reach nobody."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture
def sfn() -> Iterator[Stubber]:
    """botocore's own client, whose answers are set by the test; it checks each request."""
    with Stubber(boto3.client("stepfunctions", region_name="eu-central-1")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def services(orchestrator: Any) -> Services:
    """The real thing, of which only the orchestrator is asked."""
    arn = "arn:aws:states:eu-central-1:000000000000:stateMachine:"
    names = dict.fromkeys(ApiConfig.__struct_fields__, "x")
    config = msgspec.convert({**names, "saga_arn": f"{arn}b", "cancellation_saga_arn": f"{arn}c"}, ApiConfig)
    nobody: Any = None
    return Services(nobody, orchestrator, config, nobody)


def test_a_history_is_asked_for_without_its_data_and_read_to_its_end(sfn: Stubber) -> None:
    """Page by page; what steps were given and answered stays with Step Functions."""
    events = History().enter("ReserveSeat").leave("ReserveSeat").events
    sfn.add_response("get_execution_history", {"events": events[:2], "nextToken": "more"}, ASKED)
    sfn.add_response("get_execution_history", {"events": events[2:]}, {**ASKED, "nextToken": "more"})
    told = services(sfn.client).history(Saga.BOOKING, ID)
    assert (told.execution_arn, told.events) == (ARN, events)


def test_a_history_that_never_ends_is_left_after_its_fifth_page(sfn: Stubber) -> None:
    """A thousand events each; no saga has as many."""
    page = History().events * 1000
    for number in range(5):
        token = {"nextToken": str(number)} if number else {}
        sfn.add_response("get_execution_history", {"events": page, "nextToken": str(number + 1)}, ASKED | token)
    assert len(services(sfn.client).history(Saga.BOOKING, ID).events) == 5000


def test_no_execution_of_that_name_is_an_empty_history(sfn: Stubber) -> None:
    """Of the other state machine, too."""
    asked = {**ASKED, "executionArn": UNDO_ARN}
    sfn.add_client_error("get_execution_history", "ExecutionDoesNotExist", expected_params=asked)
    assert services(sfn.client).history(Saga.CANCELLATION, ID) == Told(UNDO_ARN, [])


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "InternalFailure"])
def test_an_orchestrator_that_gives_no_answer_is_unavailable_and_the_execution_is_not_missing(
    sfn: Stubber, code: str
) -> None:
    """Otherwise a throttled look would tell a customer that nothing has happened."""
    sfn.add_client_error("get_execution_history", code)
    with pytest.raises(ServiceUnavailable):
        services(sfn.client).history(Saga.BOOKING, ID)


def test_an_orchestrator_that_can_not_be_reached_is_unavailable() -> None:
    """Nobody listens at its address."""
    once = Config(connect_timeout=1, retries={"total_max_attempts": 1})
    nobody = boto3.client(
        "stepfunctions", region_name="eu-central-1", endpoint_url=f"http://127.0.0.1:{free_ports(1)[0]}", config=once
    )
    with pytest.raises(ServiceUnavailable):
        services(nobody).history(Saga.BOOKING, ID)
