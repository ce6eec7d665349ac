"""Nothing personal and no secret is written down where it is not needed; ids are."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from leleka.stage import Stage
from tests.functional.customer import execution_arn
from tests.functional.security.conftest import Played
from tests.functional.security.passenger import EMAIL, NAME, Traces
from tests.functional.security.places import (
    ERROR_TEXT,
    EVENT,
    SAGA_DATA,
    TOPIC,
    Text,
    executions,
    logs,
)
from tests.functional.test_recovery import row

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]  # the first one plays all scenes

METHOD, LOCK, TOKEN = "the id of a payment method", "the id of a seat lock", "a task token"
MAY_STAND = {
    (METHOD, SAGA_DATA): "the saga charges it; it is the provider's name for a card, and no card number",
    (LOCK, SAGA_DATA): "the seat's steps show by it that the lock is theirs",
    (TOKEN, SAGA_DATA): "the payment command and the waiting booking are given it, so that they can answer",
}
"""What may stand where, and why. Everything else may stand nowhere."""

_METHOD_ID = re.compile(r"\bpm_\w+")


@dataclass(frozen=True)
class Finding:
    """Something that gives a booking away, and where it stands."""

    what: str
    place: str
    where: str
    excerpt: str


@pytest.fixture(scope="module")
def traces(stage: Stage, played: Played) -> Traces:
    """What would give the passenger or her bookings away."""
    for booking_id in played.traces.booking_ids:
        booking = row(stage, "BookingsTable", booking_id)
        played.traces.texts[booking["lock_id"]["S"]] = LOCK
        played.traces.texts[booking["request_hash"]["S"]] = "the hash of a request"
        if "task_token" in booking:
            played.traces.texts[booking["task_token"]["S"]] = TOKEN
    return played.traces


def findings(texts: Iterable[Text], traces: Traces) -> set[Finding]:
    """Whatever of it stands in these texts."""
    found = set()
    for one in texts:
        known = [(what, text) for text, what in traces.texts.items() if text in one.text]
        methods = [(METHOD, method) for method in _METHOD_ID.findall(one.text)]
        found |= {Finding(what, one.place, one.where, _around(text, one.text)) for what, text in known + methods}
    return found


def out_of_place(found: Iterable[Finding]) -> set[Finding]:
    """Those that may not stand where they stand."""
    return {each for each in found if (each.what, each.place) not in MAY_STAND}


def _around(text: str, whole: str) -> str:
    at = whole.index(text)
    return whole[max(0, at - 80) : at + 80]


def test_no_log_tells_anything_of_a_passenger(stage: Stage, played: Played, traces: Traces) -> None:
    """Also of a function that broke with her data in its hands, or got what it can't read. Bookings that failed are
    there by their ids."""
    secrets = [text for text, what in traces.texts.items() if what == "a booking's secret"]
    junk = {"passenger": {"name": NAME, "email": EMAIL}, "secret": secrets[0], "payment_method": 7}
    batch = {"Records": [{"messageId": "1", "body": json.dumps(junk)}]}
    texts = logs(stage, played.began_ms, {**junk, **batch})
    for scene in ("stuck", "declined", "rejected"):
        assert any(played.bookings[scene] in text.text for text in texts), f"no log tells of the booking {scene}"
    assert out_of_place(findings(texts, traces)) == set()


def test_executions_carry_ids_only(stage: Stage, traces: Traces) -> None:
    """Inputs, outputs and parameters of every state; errors carry not even those. What may stand there does, so that
    the list is no longer than it must be."""
    texts = [text for booking_id in traces.booking_ids for text in executions(stage, booking_id)]
    found = findings(texts, traces)
    assert out_of_place(found) == set()
    assert {(each.what, each.place) for each in found} == MAY_STAND.keys()
    assert any(text.place == ERROR_TEXT for text in texts)


def test_an_execution_that_succeeds_has_no_result(stage: Stage, played: Played) -> None:
    """EventBridge tells it to whoever listens; what the saga worked with stays in its history."""
    booking_id = played.bookings["cancelled"]
    for machine in (stage.saga_arn, stage.outputs["CancellationSagaArn"]):
        ended = stage.orchestrator.describe_execution(executionArn=execution_arn(stage, booking_id, machine))
        assert (ended["status"], ended["output"]) == ("SUCCEEDED", "{}")


def test_topics_tell_ids_only(played: Played, traces: Traces) -> None:
    """The customer's events and the operator's."""
    texts = played.listener.heard(TOPIC, set(traces.booking_ids))
    assert any("stuck" in text.text for text in texts), "the operator's topic said nothing"
    assert out_of_place(findings(texts, traces)) == set()


def test_the_event_of_a_lost_saga_hands_on_its_name_only(played: Played, traces: Traces) -> None:
    """EventBridge knows the saga's input; the rule's target gets none of it."""
    texts = played.listener.heard(EVENT, {played.bookings["lost"]})
    assert out_of_place(findings(texts, traces)) == set()
    assert {frozenset(json.loads(text.text)) for text in texts} == {frozenset({"trigger", "execution_arn"})}
