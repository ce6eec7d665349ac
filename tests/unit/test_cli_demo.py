"""The demonstration believes nothing: every outcome that differs from what it promises ends it with a message."""

import io
import json
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from rich.console import Console

from leleka import demo
from leleka.api_client import ApiClient
from leleka.demo import DemoFailed
from leleka.stage import Aws, Stage
from tests.unit.saga_history import History, StepFunctions, confirmed, declined

SOLD = {"status": "CONFIRMED", "amount_minor": 7990, "currency": "EUR"}
TAKEN = {"status": "CANCELLED", "reason": "SeatTaken"}
DECLINED = {"status": "CANCELLED", "reason": "CardDeclined"}


class ThreeSagas(Aws):
    """An AWS whose Step Functions knows the three sagas of the demonstration."""

    def client(self, service: str) -> Any:
        """Only the orchestrator is asked for."""
        assert service == "stepfunctions"
        return self

    exceptions = StepFunctions.exceptions

    def get_execution_history(self, **request: Any) -> Any:
        """By the booking's number."""
        history = {"bk-1": confirmed(), "bk-2": refused(), "bk-3": declined()}[request["executionArn"][-4:]]
        return StepFunctions(history.events, step=100).get_execution_history(**request)


def refused() -> History:
    history = History().succeed("CreateBooking", "ValidateFlight").refuse("ReserveSeat", "SeatTaken")
    history.succeed("CancelBooking").enter("BookingFailed", "Fail")
    return history.add("ExecutionFailed", executionFailedEventDetails={"error": "SeatTaken"})


@dataclass
class Api:
    """The API as the demonstration meets it; a test changes an ending or a seat."""

    endings: list[dict[str, Any]]
    seats: dict[str, str]
    placed: int = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What the API says."""
        path = request.url.path
        if path.endswith("/seats"):
            return httpx.Response(200, json={"seats": [seat(*found) for found in self.seats.items()]})
        if request.method == "POST":
            self.placed += 1
            return httpx.Response(202, json=booking(self.placed, {"status": "REQUESTED"}))
        number = int(path[-1])
        return httpx.Response(200, json=booking(number, self.endings[number - 1]))


def booking(number: int, ending: dict[str, Any]) -> dict[str, Any]:
    return {"booking_id": f"bk-{number}", "flight_id": "F", "seat": "12A", "bags": 1, "created_at": "", **ending}


def seat(name: str, status: str) -> dict[str, Any]:
    place = {"seat": name, "row": 12, "letter": name[-1], "cabin": "economy", "position": "window", "exit_row": False}
    return {**place, "status": status}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """Everything as promised, and no lock left."""
    monkeypatch.setattr(demo, "_lock_owner", lambda _url, _key: None)
    return Api([SOLD, TAKEN, DECLINED], {"12A": "SOLD", "12B": "AVAILABLE"})


def show(api: Api) -> tuple[dict[str, Any], str]:
    stage = Stage("local", "http://api", "arn:stateMachine:saga", "redis://lock", {}, {}, ThreeSagas("local"))
    console = Console(file=io.StringIO(), width=200, emoji=False)
    with ApiClient("http://api", httpx.MockTransport(api.answer)) as client:
        result = demo.show(stage, client, console)
    return result, console.file.getvalue()  # type: ignore[attr-defined]


def test_the_result_is_the_three_bookings_and_the_rollback(api: Api) -> None:
    """What `make demo` prints as its last line, but for the seconds."""
    result, told = show(api)
    assert json.loads(json.dumps(result)) == {
        "confirmed": "bk-1",
        "refused": "bk-2",
        "rolled_back": ["ReleaseBaggage", "ReleaseSeat", "CancelBooking"],
    }
    assert "lock seat:KBP-BCN-0615:12B:lock: not there" in told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda api: api.endings.__setitem__(0, DECLINED), "Olena's booking should be CONFIRMED"),
        (lambda api: api.endings.__setitem__(1, SOLD), "Taras's booking should be CANCELLED"),
        (lambda api: api.endings.__setitem__(1, DECLINED), "reason of the refusal should be SeatTaken"),
        (lambda api: api.endings.__setitem__(2, {"status": "NEEDS_ATTENTION"}), "Ivan's booking should be CANCELLED"),
        (lambda api: api.seats.update({"12A": "AVAILABLE"}), "seat 12A should be SOLD"),
        (lambda api: api.seats.update({"12B": "HELD"}), "seat 12B should be AVAILABLE"),
        (lambda api: api.seats.clear(), "seat 12A should be SOLD and is None"),
    ],
)
def test_an_outcome_that_differs_ends_it(change: Callable[[Api], Any], message: str, api: Api) -> None:
    """With what was promised and what was found."""
    change(api)
    with pytest.raises(DemoFailed, match=message):
        show(api)


def test_a_rollback_in_another_order_ends_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The history decides, not the booking's status."""
    monkeypatch.setattr(demo, "ROLLBACK", ["ReleaseSeat", "ReleaseBaggage", "CancelBooking"])
    with pytest.raises(DemoFailed, match="rollback in the execution history"):
        show(api)


def test_a_lock_that_was_left_behind_ends_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seat would be free in the table and refused at the lock."""
    monkeypatch.setattr(demo, "_lock_owner", lambda _url, _key: b"bk-3")
    with pytest.raises(DemoFailed, match="lock of seat 12B"):
        show(api)


def test_a_lock_server_that_does_not_answer_is_a_message() -> None:
    """Port 1 of the loopback interface: nobody listens there."""
    with pytest.raises(DemoFailed, match="lock server did not answer"):
        demo._lock_owner("redis://127.0.0.1:1/0", "key")


def test_it_ends_when_its_time_is_over() -> None:
    """By an exception, so that everything it started is stopped; the alarm is gone afterwards."""
    with pytest.raises(DemoFailed, match=r"within 0\.01 s"), demo._bounded(0.01):
        threading.Event().wait(5)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_termination_signal_runs_the_clean_up() -> None:
    """`kill` and a closed terminal end it as Ctrl-C does."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), demo._bounded(60):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
