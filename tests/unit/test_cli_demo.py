"""The demonstration believes nothing: every outcome that differs from what it promises ends it with a message."""

import contextlib
import functools
import io
import json
import shutil
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from leleka import demo, demo_acts
from leleka.api_client import ApiClient
from leleka.demo_acts import DemoFailed
from leleka.deploy import Package
from leleka.follow import follow
from leleka.stage import Aws, Stage
from tests.unit.saga_history import History, StepFunctions, confirmed, declined, expired, held, paid_later

UNTIL = {"hold_expires_at": "2026-11-23T12:15:00Z"}  # over, so that it is no long hold at any time of the test
LONG = {"hold_expires_at": "2999-11-23T12:15:00Z"}
SOLD = {"status": "CONFIRMED", "amount_minor": 7990, "currency": "EUR"}
TAKEN = {"status": "CANCELLED", "reason": "SEAT_TAKEN"}
DECLINED = {"status": "CANCELLED", "reason": "CARD_DECLINED"}
EXPIRED = {"status": "CANCELLED", "reason": "HOLD_EXPIRED"}
WAITING = {"status": "AWAITING_PAYMENT", **UNTIL}


class FiveSagas(Aws):
    """An AWS whose Step Functions knows the five sagas of the demonstration; the holds are seen while they wait."""

    def __init__(self) -> None:
        super().__init__("local")
        before_the_answer = len(held().events)
        self.__dict__["sagas"] = {
            "bk-1": StepFunctions(confirmed().events, step=100),
            "bk-2": StepFunctions(refused().events, step=100),
            "bk-3": StepFunctions(declined().events, step=100),
            "bk-4": StepFunctions(paid_later().events, step=before_the_answer),
            "bk-5": StepFunctions(expired().events, step=before_the_answer),
        }

    def client(self, service: str) -> Any:
        """Only the orchestrator is asked for."""
        assert service == "stepfunctions"
        return self

    exceptions = StepFunctions.exceptions

    def get_execution_history(self, **request: Any) -> Any:
        """By the booking's number."""
        return self.__dict__["sagas"][request["executionArn"][-4:]].get_execution_history(**request)


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
    holds: list[dict[str, Any]] = field(default_factory=lambda: [WAITING, WAITING])
    """What is read of a held booking while it waits."""
    paid: list[str] = field(default_factory=list)
    shortened: int = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What the API says."""
        path = request.url.path
        if path.endswith("/seats"):
            return httpx.Response(200, json={"seats": [seat(*found) for found in self.seats.items()]})
        if path.endswith("/payment"):
            self.paid.append(path)
            return httpx.Response(202, json=booking(4, {"status": "PENDING"}))
        if request.method == "POST":
            self.placed += 1
            return httpx.Response(202, json=booking(self.placed, {"status": "REQUESTED", "secret": "s"}))
        number = int(path[-1])
        if number > 3 and self.holds and len(self.holds) == 6 - number:
            return httpx.Response(200, json=booking(number, self.holds.pop(0)))
        return httpx.Response(200, json=booking(number, self.endings[number - 1]))


def booking(number: int, ending: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "booking_id": f"bk-{number}",
        "record_locator": "B4H9PE",
        "flight_id": "F",
        "seat": "12A",
        "bags": 1,
        "created_at": "",
    }
    return {**shown, **ending}


def seat(name: str, status: str) -> dict[str, Any]:
    place = {"seat": name, "row": 12, "letter": name[-1], "cabin": "economy", "position": "window", "exit_row": False}
    return {**place, "status": status}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """Everything as promised, and no lock left."""
    monkeypatch.setattr(demo_acts, "_lock_owner", lambda _url, _key: None)
    monkeypatch.setattr("leleka.journey.follow", functools.partial(follow, poll_s=0.001))
    return Api(
        [SOLD, TAKEN, DECLINED, SOLD, EXPIRED], {"12A": "SOLD", "12B": "AVAILABLE", "12C": "SOLD", "12D": "AVAILABLE"}
    )


def show(api: Api) -> tuple[dict[str, Any], str]:
    stage = Stage("local", "http://api", "arn:stateMachine:saga", "redis://lock", {}, {}, FiveSagas())
    console = Console(file=io.StringIO(), width=200, emoji=False)
    with ApiClient("http://api", httpx.MockTransport(api.answer)) as client:
        result = demo_acts.show(stage, client, console, lambda: setattr(api, "shortened", api.shortened + 1))
    return result, console.file.getvalue()  # type: ignore[attr-defined]  # a console on a StringIO


def test_the_result_is_the_five_bookings_and_the_rollback(api: Api) -> None:
    """What `make demo` prints as its last line, but for the seconds."""
    result, told = show(api)
    assert json.loads(json.dumps(result)) == {
        "confirmed": "bk-1",
        "refused": "bk-2",
        "rolled_back": ["ReleaseBaggage", "ReleaseSeat", "CancelBooking"],
        "paid_hold": "bk-4",
        "expired_hold": "bk-5",
    }
    assert "lock seat:KBP-BCN-0615:12B:lock: not there" in told
    assert "lock seat:KBP-BCN-0615:12D:lock: not there" in told
    assert api.shortened == 1


def test_the_one_hold_is_paid_while_it_waits_and_the_other_never(api: Api) -> None:
    """With its end told; the saga of the first goes on after that only."""
    _, told = show(api)
    assert [path[-13:] for path in api.paid] == ["/bk-4/payment"]
    assert told.count("AWAITING_PAYMENT until 12:15:00 UTC") == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda api: api.endings.__setitem__(0, DECLINED), "Olena's booking should be CONFIRMED"),
        (lambda api: api.endings.__setitem__(1, SOLD), "Taras's booking should be CANCELLED"),
        (lambda api: api.endings.__setitem__(1, DECLINED), "reason of the refusal should be SEAT_TAKEN"),
        (lambda api: api.endings.__setitem__(2, {"status": "NEEDS_ATTENTION"}), "Ivan's booking should be CANCELLED"),
        (lambda api: api.seats.update({"12A": "AVAILABLE"}), "seat 12A should be SOLD"),
        (lambda api: api.seats.update({"12B": "HELD"}), "seat 12B should be AVAILABLE"),
        (lambda api: api.endings.__setitem__(3, EXPIRED), "Sofiia's booking should be CONFIRMED"),
        (lambda api: api.endings.__setitem__(4, SOLD), "Marko's booking should be CANCELLED"),
        (lambda api: api.endings.__setitem__(4, DECLINED), "Marko's cancellation should be HOLD_EXPIRED"),
        (lambda api: api.holds.__setitem__(0, {"status": "PENDING", **UNTIL}), "Sofiia's booking should be AWAITING"),
        (lambda api: api.holds.__setitem__(1, {"status": "AWAITING_PAYMENT"}), "that the hold has an end"),
        (lambda api: api.holds.__setitem__(1, {**WAITING, **LONG}), "that Marko's hold ends within 0:00:05"),
        (lambda api: api.seats.update({"12C": "HELD"}), "seat 12C should be SOLD"),
        (lambda api: api.seats.update({"12D": "HELD"}), "seat 12D should be AVAILABLE"),
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
    monkeypatch.setattr(demo_acts, "ROLLBACK", ["ReleaseSeat", "ReleaseBaggage", "CancelBooking"])
    with pytest.raises(DemoFailed, match="rollback in the execution history"):
        show(api)


def test_a_lock_that_was_left_behind_ends_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seat would be free in the table and refused at the lock."""
    monkeypatch.setattr(demo_acts, "_lock_owner", lambda _url, _key: b"bk-3")
    with pytest.raises(DemoFailed, match="lock of seat 12B"):
        show(api)


def test_the_lock_of_the_expired_hold_must_be_gone_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only that of the rollback."""
    monkeypatch.setattr(demo_acts, "_lock_owner", lambda _url, key: b"bk-5" if "12D" in key else None)
    with pytest.raises(DemoFailed, match="lock of seat 12D"):
        show(api)


def test_the_last_line_is_json_with_its_keys_in_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts read it; what was there before comes first."""
    outcome = {"confirmed": "a", "refused": "b", "rolled_back": [], "paid_hold": "c", "expired_hold": "d"}
    stage = Stage("local", "http://127.0.0.1:1", "", "", {}, {}, Aws("local"))
    monkeypatch.setattr(demo, "_own_stage", lambda _console: contextlib.nullcontext((stage, lambda: None)))
    monkeypatch.setattr(demo_acts, "show", lambda *_: outcome)
    demo.run(60)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(last) == ["confirmed", "refused", "rolled_back", "seconds", "paid_hold", "expired_hold"]


def test_a_package_is_deployed_twice_from_two_copies(tmp_path: Path) -> None:
    """A deployment removes the folder that it was given."""
    first = tmp_path / "first"
    first.mkdir()
    (first / "sam.yaml").write_text("a")
    (first / "deployment.zip").write_text("b")
    copy = demo._copy(Package("local", first / "sam.yaml", first / "deployment.zip"), tmp_path / "second")
    shutil.rmtree(first)
    assert (copy.template.read_text(), copy.code.read_text()) == ("a", "b")


def test_a_lock_server_that_does_not_answer_is_a_message() -> None:
    """Port 1 of the loopback interface: nobody listens there."""
    with pytest.raises(DemoFailed, match="lock server did not answer"):
        demo_acts._lock_owner("redis://127.0.0.1:1/0", "key")


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
