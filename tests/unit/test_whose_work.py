"""Whose work a function does, and how it ended: on each line, in each metric, and in what it passes on."""

import io
import json
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from chalicelib.shared import log, metrics
from chalicelib.shared.errors import SeatTaken, StoreBusy
from chalicelib.shared.executions import booking_of, execution_arn
from chalicelib.shared.remote import RemoteFunctions
from chalicelib.shared.step import messages, step

ID = "bk-" + "a" * 26
MACHINE = "arn:aws:states:eu-central-1:000000000000:stateMachine:leleka-test-booking-saga"
EXECUTION = execution_arn(MACHINE, ID)
CONTEXT = SimpleNamespace(aws_request_id="request-1")


class HoldCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command as the services have them."""

    flight_id: str
    booking_id: str | None = None


@step(HoldCommand)
def hold_a_seat(command: HoldCommand) -> dict[str, Any]:
    """Ends as its flight says."""
    return _end(command)


@messages(HoldCommand)
def carry_out_holds(command: HoldCommand) -> None:
    """The same from a queue."""
    _end(command)


def _end(command: HoldCommand) -> dict[str, Any]:
    if command.flight_id == "taken":
        raise SeatTaken("seat 12A is taken")
    if command.flight_id == "busy":
        raise StoreBusy("ask again")
    if command.flight_id == "broken":
        raise KeyError("nobody foresaw this")
    log.info("held")
    return {"booking_id": command.booking_id}


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the logger writes."""
    written = io.StringIO()
    monkeypatch.setattr(log._logger.registered_handler, "stream", written)
    return written


def _read(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def _counted(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Each metric that was counted, with the values of its dimensions."""
    found = []
    for text in capsys.readouterr().out.splitlines():
        line = json.loads(text)
        [directive] = line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]:
            assert line[metric["Name"]] == [1.0]
            found += [(metric["Name"], tuple(line[name] for name in names)) for names in directive["Dimensions"]]
    return sorted(found)


def test_the_envelope_is_on_every_line_and_no_part_of_the_command(lines: io.StringIO) -> None:
    """The command forbids fields that it doesn't know; the event keeps its own."""
    event = {"booking_id": ID, "flight_id": "free", "execution_id": EXECUTION}
    assert hold_a_seat(event, CONTEXT) == {"booking_id": ID}
    assert event["execution_id"] == EXECUTION
    begins, held = _read(lines)
    assert (begins["message"], held["message"]) == ("begins", "held")
    for line in (begins, held):
        assert (line["function"], line["request_id"]) == ("HoldASeat", "request-1")
        assert (line["booking_id"], line["execution_id"]) == (ID, EXECUTION)


@pytest.mark.parametrize("name", [ID, f"{ID}-settle-2", f"{ID}-redrive-1"])
def test_the_booking_is_known_from_the_execution(lines: io.StringIO, name: str) -> None:
    """Where the command has none: a look at the seat map, for a booking."""
    hold_a_seat({"flight_id": "free", "execution_id": execution_arn(MACHINE, name)}, CONTEXT)
    assert {line["booking_id"] for line in _read(lines)} == {ID}


def test_nothing_of_one_invocation_is_on_the_lines_of_the_next(lines: io.StringIO) -> None:
    """The same process serves many bookings, and sometimes none."""
    hold_a_seat({"booking_id": ID, "flight_id": "free", "execution_id": EXECUTION}, CONTEXT)
    hold_a_seat({"flight_id": "free"}, SimpleNamespace(aws_request_id="request-2"))
    for line in _read(lines)[2:]:
        assert line["request_id"] == "request-2"
        assert not {"booking_id", "execution_id"} & line.keys()


def test_a_line_may_be_about_one_of_several_bookings(lines: io.StringIO) -> None:
    """For as long as the block lasts, also when it ends in an error."""
    log.correlate(function="Reconcile")

    def look() -> None:
        with log.about(booking_id=ID, execution_id=EXECUTION):
            log.info("inside")
            raise SeatTaken("no")

    with pytest.raises(SeatTaken):
        look()
    log.info("outside")
    inside, outside = _read(lines)
    assert (inside["booking_id"], inside["function"]) == (ID, "Reconcile")
    assert "booking_id" not in outside


@pytest.mark.parametrize(
    ("flight", "level", "counted"),
    [
        ("taken", "WARNING", [("ExpectedErrors", "SeatTaken"), ("Refusals", "SeatTaken")]),
        ("busy", "WARNING", [("ExpectedErrors", "StoreBusy"), ("Transients", "StoreBusy")]),
        (7, "WARNING", [("ExpectedErrors", "InvalidRequest"), ("Refusals", "InvalidRequest")]),
    ],
)
def test_a_refusal_is_told_by_function_and_error_and_goes_on(
    lines: io.StringIO, capsys: pytest.CaptureFixture[str], flight: Any, level: str, counted: list[tuple[str, str]]
) -> None:
    """As what Lambda counts among the function's errors without anything being wrong."""
    with pytest.raises(Exception, match=r"taken|ask again|flight_id") as raised:
        hold_a_seat({"booking_id": ID, "flight_id": flight}, CONTEXT)
    last = _read(lines)[-1]
    assert (last["level"], last["error"]) == (level, type(raised.value).__name__)
    expected = [entry for name, error in counted for entry in ((name, ("HoldASeat",)), (name, ("HoldASeat", error)))]
    assert _counted(capsys) == sorted(expected)


def test_what_nobody_foresaw_is_a_fault_with_its_trace(lines: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Counted as a whole, for the alarm, and by function; not as expected."""
    with pytest.raises(KeyError):
        hold_a_seat({"booking_id": ID, "flight_id": "broken"}, CONTEXT)
    last = _read(lines)[-1]
    assert (last["level"], last["error"], last["booking_id"]) == ("ERROR", "KeyError", ID)
    assert "nobody foresaw this" in last["exception"]
    assert _counted(capsys) == [("Faults", ()), ("Faults", ("HoldASeat",))]


def test_one_message_that_breaks_comes_again_alone(lines: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is told with its own booking; none of it is an error to Lambda, so none is expected there."""
    other = ID.replace("a", "b")
    bodies = [
        json.dumps({"booking_id": ID, "flight_id": "free", "execution_id": EXECUTION}),
        json.dumps({"booking_id": other, "flight_id": "broken"}),
        json.dumps({"booking_id": ID, "flight_id": "busy"}),
        json.dumps({"booking_id": ID, "flight_id": 7}),
        "no JSON",
    ]
    event = {"Records": [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]}
    failed = carry_out_holds(event, CONTEXT)["batchItemFailures"]
    assert [each["itemIdentifier"] for each in failed] == ["m1", "m2", "m3", "m4"]
    told = [(line.get("booking_id"), line.get("error")) for line in _read(lines) if line["message"] != "begins"]
    assert told == [
        (ID, None),
        (other, "KeyError"),
        (ID, "StoreBusy"),
        (ID, "ValidationError"),
        (ID, "DecodeError"),
    ]
    function = ("CarryOutHolds",)
    transient = [("Transients", function), ("Transients", (*function, "StoreBusy"))]
    assert _counted(capsys) == sorted([("Faults", ()), ("Faults", function)] * 3 + transient)


class Recorder:
    """Lambda, which remembers what functions were sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """As the real one."""
        self.sent.append((FunctionName, json.loads(Payload)))
        return {"Payload": io.BytesIO(b"{}")}


def test_a_called_function_is_told_in_which_execution_it_works() -> None:
    """Whatever kind of command it gets; without an execution it gets the command alone."""
    recorder: Any = Recorder()
    functions = RemoteFunctions(recorder)
    log.correlate(function="APIHandler", booking_id=ID, execution_id=EXECUTION)
    functions.call("GetSeatMap", {"flight_id": "LL1"})
    functions.call("DescribeBooking", HoldCommand("LL1", ID))
    log.correlate(function="APIHandler")
    functions.call("SearchFlights", {"origin": "KBP"})
    assert recorder.sent == [
        ("GetSeatMap", {"flight_id": "LL1", "execution_id": EXECUTION}),
        ("DescribeBooking", {"flight_id": "LL1", "booking_id": ID, "execution_id": EXECUTION}),
        ("SearchFlights", {"origin": "KBP"}),
    ]


@pytest.mark.parametrize("name", ["", "bk-short", f"{ID}-", f"{ID}-settle-", "x" + ID, "olena@example.com"])
def test_what_is_no_booking_is_not_taken_for_one(name: str) -> None:
    """A path may hold anything, and nothing of it gets onto a line."""
    assert booking_of(name) is None


def test_a_value_is_counted_as_a_whole_and_for_each_dimension_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """So that an alarm needs to know no dimension, and a chart not two at once; the line says whose it is."""
    log.correlate(function="CancelBooking", booking_id=ID)
    metrics.count("Compensations", step="CancelBooking", reason="CardDeclined")
    line = json.loads(capsys.readouterr().out)
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [[], ["step"], ["reason"]]
    assert (line["step"], line["reason"], line["Compensations"]) == ("CancelBooking", "CardDeclined", [1.0])
    assert (line["function"], line["booking_id"]) == ("CancelBooking", ID)


def test_a_duration_is_measured_also_when_the_work_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """A provider that gives up after twenty seconds is just what the chart is for."""
    with pytest.raises(SeatTaken), metrics.timed_ms("PaymentLatency"):
        raise SeatTaken("no")
    metrics.measure_s("HoldToPay", 61)
    took, pause = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert took["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "PaymentLatency", "Unit": "Milliseconds"}]
    assert 0 <= took["PaymentLatency"][0] < 1000
    assert pause["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "HoldToPay", "Unit": "Seconds"}]
    assert pause["HoldToPay"] == [61.0]
