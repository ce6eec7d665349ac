"""What an operator sees of real bookings: lines that name booking and execution and nobody's data, and metrics under
the very names that the alarms watch."""

import json
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from leleka.stack.config import free_ports
from leleka.stage import Stage, stack_name
from tests.functional.customer import FLIGHT, Customer, eventually, execution_arn
from tests.functional.log_lines import Line, counted, functions_of, lines_of
from tests.functional.test_stuck import Breakable
from tests.functional.test_stuck import _impatient_saga as _impatient_saga  # a fixture  # noqa: PLC0414 - re-exported
from tests.promises import Promises

pytestmark = pytest.mark.stack
type Customers = Callable[[], Customer]

NOT_FOR_A_BOOKING = {"DueBookings", "DueHolds", "DuePayments", "GetFares", "Reconcile", "SearchFlights"}
"""Functions that the schedule or a browsing customer calls."""
BY_LOCATOR = {"APIHandler", "GetBooking", "RequestCancellation", "SupplyPaymentMethod"}
"""The API, and functions that it calls with what the customer has, which may be the record locator."""
BY_THE_API = {"GetBooking", "GetSeatMap", "ValidateFlight"}
FORWARD = {"CreateBooking", "ReserveSeat", "ReserveBaggage", "CalculatePrice", "CarryOutPayments"}
CONFIRMED = FORWARD | {"ConfirmSeat", "ConfirmBooking", "NotifyCustomer"}
WAITED = {"AwaitPaymentMethod", "TakePaymentMethod", "RenewSeatLock"}
UNDONE = {"ReleaseBaggage", "ReleaseSeat", "CancelBooking", "NotifyCustomer"}

_DOCS = "https://docs.aws.amazon.com"
DOCUMENTED = (
    {
        ("AWS/Lambda", name, frozenset({"FunctionName"})): f"{_DOCS}/lambda/latest/dg/monitoring-metrics-types.html"
        for name in ("Duration", "Errors", "Invocations", "Throttles")
    }
    | {
        ("AWS/SQS", name, frozenset({"QueueName"})): (
            f"{_DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
        )
        for name in ("ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible")
    }
    | {
        ("AWS/DynamoDB", name, frozenset(dimensions)): (
            f"{_DOCS}/amazondynamodb/latest/developerguide/metrics-dimensions.html"
        )
        for name, dimensions in {
            "ReadThrottleEvents": {"TableName"},
            "WriteThrottleEvents": {"TableName"},
            "SystemErrors": {"TableName", "Operation"},
        }.items()
    }
    | {
        ("AWS/Events", "Invocations", frozenset({"RuleName"})): (
            f"{_DOCS}/eventbridge/latest/userguide/eb-monitoring.html"
        ),
        ("AWS/States", "ExecutionsFailed", frozenset({"StateMachineArn"})): (
            f"{_DOCS}/step-functions/latest/dg/procedure-cw-metrics.html"
        ),
        ("AWS/ApiGateway", "5XXError", frozenset({"ApiName"})): (
            f"{_DOCS}/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html"
        ),
    }
)
"""Where AWS says that there is such a metric with these dimensions."""


class Stories:
    """A booking that is confirmed, one whose card is declined, one that is cancelled after it was confirmed, and one
    that is paid for while its seat is held; with all that was logged of them."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.olena = Customer(stage)
        self.keys = [str(uuid.uuid4()) for _ in range(4)]
        self.began_ms = int(time.time() * 1000)
        self.confirmed = self._booked("8A", "pm_approved", 0)
        self.declined = self._booked("8B", "pm_declined", 1)
        self.cancelled = self._booked("8C", "pm_approved", 2)
        self.olena.cancel(self.cancelled)
        self.olena.cancelled(self.cancelled)
        held = self.olena.book("8D", None, key=self.keys[3])
        self.paid = self.olena.waiting(held["booking_id"])["booking_id"]
        self.olena.pay(held["record_locator"], secret=held["secret"])
        assert self.olena.outcome(self.paid)["status"] == "CONFIRMED"
        self.lines: list[Line] = []
        eventually(self._all_is_logged, "not everything reaches the logs")

    def of(self, booking_id: str) -> list[Line]:
        """The lines that name this booking."""
        return [line for line in self.lines if line.fields.get("booking_id") == booking_id]

    def _booked(self, seat: str, method: str, number: int) -> str:
        booking = self.olena.outcome(self.olena.book(seat, method, key=self.keys[number])["booking_id"])
        assert booking["status"] == ("CANCELLED" if method == "pm_declined" else "CONFIRMED")
        return str(booking["booking_id"])

    def _all_is_logged(self) -> bool:
        self.lines = list(lines_of(self._stage, self.began_ms))
        return all(expected <= {line.function for line in self.of(booking)} for booking, expected in self.expected())

    def expected(self) -> list[tuple[str, set[str]]]:
        """By booking, the functions that work for it."""
        return [
            (self.confirmed, CONFIRMED | BY_THE_API - {"GetSeatMap"}),
            (self.declined, FORWARD | UNDONE),
            (self.cancelled, CONFIRMED | UNDONE | {"RequestCancellation"}),
            (
                self.paid,
                CONFIRMED | {"AwaitPaymentMethod", "SupplyPaymentMethod", "TakePaymentMethod", "RenewSeatLock"},
            ),
        ]


@pytest.fixture(scope="module")
def stories(stage: Stage) -> Iterator[Stories]:
    """Told once."""
    told = Stories(stage)
    yield told
    told.olena.close()


def test_every_line_names_function_request_booking_and_execution(stage: Stage, stories: Stories) -> None:
    """Of all functions that worked for a booking in that time, not of those lines alone that do; the execution is the
    booking's own saga, or its cancellation."""
    ids = {stories.confirmed, stories.declined, stories.cancelled, stories.paid}
    sagas = [stage.saga_arn, stage.outputs["CancellationSagaArn"]]
    executions = {execution_arn(stage, booking_id, saga): booking_id for booking_id in ids for saga in sagas}
    seen = set()
    for line in stories.lines:
        if not line.fields or line.function in NOT_FOR_A_BOOKING:
            continue
        assert line.fields["function"] == line.function
        assert line.fields["request_id"]
        if line.function in BY_LOCATOR and line.fields.get("message") == "begins":
            continue  # a record locator tells nothing before it was looked up
        assert line.fields.get("booking_id"), line.text
        if line.fields["booking_id"] in ids and line.function not in BY_LOCATOR:
            assert executions[line.fields.get("execution_id", "")] == line.fields["booking_id"], line.text
            seen.add(line.fields["execution_id"])
    assert seen == {execution_arn(stage, one) for one in ids} | {execution_arn(stage, stories.cancelled, sagas[1])}


def test_a_line_is_written_once(stories: Stories) -> None:
    """Neither the runtime's own logger nor a second handler repeats it: each invocation begins once."""
    begun = Counter(
        (line.fields["request_id"], line.fields.get("message_id"))
        for line in stories.lines
        if line.fields.get("message") == "begins"
    )
    assert set(begun.values()) == {1}


def test_no_line_tells_of_the_passenger_or_a_secret(stories: Stories, promises: Promises) -> None:
    """Lambda's own lines included, which repeat what an exception says."""
    ids = {stories.confirmed, stories.declined, stories.cancelled, stories.paid}
    locks = {str(row["lock_id"]) for row in promises.rows("BookingsTable") if row["booking_id"] in ids}
    assert len(locks) == len(ids)
    private = {"Олена", "Шевченко", "olena@example.com", "pm_approved", "pm_declined"}
    private |= locks | set(stories.olena.secrets.values()) | set(stories.keys)
    text = "\n".join(line.text for line in stories.lines)
    escaped = json.dumps(text)  # as a JSON line would have it that keeps to ASCII
    assert [word for word in private if word in text or json.dumps(word)[1:-1] in escaped.replace("\\\\", "\\")] == []


def test_each_fact_is_counted_once(stories: Stories) -> None:
    """By the function that decides it, as a whole and for its dimensions."""

    def facts(booking_id: str) -> Counter[str]:
        # A line that counts for a function and error says nothing that the line for the function alone does not.
        return Counter(
            " ".join([each.name, *sorted(value for _, value in each.dimensions)])
            for each in counted(stories.of(booking_id))
            if each.name != "PaymentLatency"
        )

    kept = {"HoldsPlaced": 1, "Confirmations": 1}
    assert facts(stories.confirmed) == kept
    assert facts(stories.paid) == {**kept, "HoldToPay": 1, "HoldsRenewed": 1}
    given_back = {
        "Compensations ReleaseBaggage": 1,
        "Compensations ReleaseSeat": 1,
        "Compensations CancelBooking": 1,
    }
    assert facts(stories.declined) == {
        "HoldsPlaced": 1,
        "Refusals CarryOutPayments": 1,
        "Refusals CardDeclined CarryOutPayments": 1,
        **given_back,
        "Compensations": 3,
        "Compensations CardDeclined": 1,
    }
    assert facts(stories.cancelled) == {
        **kept,
        **given_back,
        "Compensations RefundPayment": 1,
        "Compensations": 4,
        "Compensations CancelledByCustomer": 1,
    }


def test_durations_are_measured_in_their_units(stories: Stories) -> None:
    """The provider's answer in milliseconds, the customer's in seconds."""
    [latency] = [each for each in counted(stories.of(stories.confirmed)) if each.name == "PaymentLatency"]
    [pause] = [each for each in counted(stories.of(stories.paid)) if each.name == "HoldToPay"]
    assert 1 <= latency.value < 60_000
    assert 0 <= pause.value < 300
    assert latency.dimensions == pause.dimensions == frozenset()


@pytest.fixture
def trouble(stage: Stage, customer: Customers, seat: str, _impatient_saga: None) -> Iterator[None]:
    """A refusal by each function, a table that is not there, a lock that gives no answer, and a compensation that is
    stuck."""
    awslambda = stage.aws.client("lambda")
    for name in functions_of(stage).values():
        awslambda.invoke(FunctionName=name, Payload=b'{"nobody": "sent this"}')
    olena, fares, release = customer(), Breakable(stage, "GetFares"), Breakable(stage, "ReleaseBaggage")
    reserve = Breakable(stage, "ReserveSeat")
    fares.set(FARES_TABLE="no-such-table")
    reserve.set(LOCK_URL=f"redis://127.0.0.1:{free_ports(1)[0]}/0")
    release.set(BAGGAGE_LEDGER_TABLE="no-such-table")
    try:
        assert fares.call(flight_id=FLIGHT)["errorType"] == "ResourceNotFoundException"
        stuck = olena.outcome(olena.book(seat, "pm_declined")["booking_id"])
        assert stuck["status"] == "NEEDS_ATTENTION"
    finally:
        for each in (fares, reserve, release):
            each.set()
    yield
    release.call(booking_id=stuck["booking_id"])
    _settle(stage, stuck["booking_id"])


@pytest.mark.usefixtures("trouble")
def test_every_metric_of_ours_that_an_alarm_watches_is_emitted_under_that_name(stage: Stage, stories: Stories) -> None:
    """By namespace, name and dimensions, as CloudWatch would know it; and the other way round, what is emitted goes to
    no other namespace than the stage's own."""
    watched = {metric for metric in _watched(stage) if not metric[0].startswith("AWS/")}
    assert {name for _, name, _ in watched} == {"ExpectedErrors", "Faults", "LockFallback", "StuckCompensations"}

    def emitted() -> set[Any]:
        return {(each.namespace, each.name, each.dimensions) for each in counted(lines_of(stage, stories.began_ms))}

    eventually(lambda: watched <= emitted(), f"not emitted: {watched - emitted()}")
    assert {namespace for namespace, _, _ in emitted()} == {stack_name(stage.name)}


def test_a_refusal_is_expected_and_a_crash_is_not(stage: Stage) -> None:
    """Lambda counts both as errors; what is left after taking away the expected ones is the crash."""
    fares, since_ms = Breakable(stage, "GetFares"), int(time.time() * 1000)
    before = _lambda_errors(stage, fares.name)

    def errors() -> list[float]:
        own = frozenset({("function", "GetFares")})
        values = [each for each in counted(lines_of(stage, since_ms)) if each.dimensions == own]
        ours = [sum(each.value for each in values if each.name == name) for name in ("ExpectedErrors", "Faults")]
        return [*ours, _lambda_errors(stage, fares.name) - before]

    assert fares.call(nobody="sent this")["errorType"] == "InvalidRequest"
    fares.set(FARES_TABLE="no-such-table")
    try:
        fares.call(flight_id=FLIGHT)
    finally:
        fares.set()
    eventually(lambda: errors() == [1, 1, 2], "not one of each")


def test_every_metric_of_aws_that_an_alarm_watches_is_one_that_aws_documents(stage: Stage) -> None:
    """By namespace, name and the names of its dimensions; and an alarm watches each of these."""
    watched = {
        (namespace, name, frozenset(each for each, _ in dimensions))
        for namespace, name, dimensions in _watched(stage)
        if namespace.startswith("AWS/")
    }
    assert watched == set(DOCUMENTED)


def test_what_localstack_emits_is_under_the_names_that_the_alarms_watch(stage: Stage) -> None:
    """It counts invocations, errors and what is in queues; the dimensions' values are those of this stage."""
    of_localstack = {"Errors", "Invocations", "ApproximateNumberOfMessagesVisible"}
    watched = {metric for metric in _watched(stage) if metric[1] in of_localstack and "GetFares" in str(metric)}
    watched |= {metric for metric in _watched(stage) if metric[0] == "AWS/SQS" and metric[1] in of_localstack}
    assert len(watched) == 4

    def emitted() -> set[Any]:
        pages = stage.aws.client("cloudwatch").get_paginator("list_metrics").paginate()
        return {_key(metric) for page in pages for metric in page["Metrics"]}

    eventually(lambda: watched <= emitted(), "not emitted by LocalStack")


def test_a_traced_invocation_is_found_by_its_booking(stage: Stage, customer: Customers, seat: str) -> None:
    """The daemon gets a part of the trace for the function, and one for each of its calls; nothing of what is sent to
    the database or read from it."""
    reserve, olena = Breakable(stage, "ReserveSeat"), customer()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(60)
        reserve.set(AWS_XRAY_DAEMON_ADDRESS=f"127.0.0.1:{daemon.getsockname()[1]}")
        try:
            booking_id = olena.outcome(olena.book(seat)["booking_id"])["booking_id"]
            parts = list(_parts_until(daemon, "## ReserveSeat"))
        finally:
            reserve.set()
    function = parts[-1]
    assert function["annotations"]["booking_id"] == booking_id
    assert function["annotations"]["execution_id"] == execution_arn(stage, booking_id)
    calls = [part for part in parts if part["name"] == "dynamodb"]
    assert {part["aws"]["operation"] for part in calls} == {"TransactWriteItems", "GetItem"}
    assert {part["parent_id"] for part in calls} == {function["id"]}
    assert {part["trace_id"] for part in parts} == {function["trace_id"]}
    row = stage.dynamodb.get_item(TableName=stage.tables["BookingsTable"], Key={"booking_id": {"S": booking_id}})[
        "Item"
    ]
    assert row["lock_id"]["S"] not in json.dumps(parts)


def _parts_until(daemon: socket.socket, name: str) -> Iterator[dict[str, Any]]:
    """What comes to the daemon, up to the part of that name."""
    while True:
        head, _, document = daemon.recv(65_536).decode().partition("\n")
        assert json.loads(head) == {"format": "json", "version": 1}
        part: dict[str, Any] = json.loads(document)
        yield part
        if part["name"] == name and "end_time" in part:
            return


def _lambda_errors(stage: Stage, function: str) -> float:
    now_s = int(time.time())
    points = stage.aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=now_s - 3600,
        EndTime=now_s + 60,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def _watched(stage: Stage) -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
    """Namespace, name and dimensions of every metric that an alarm of the stage reads."""
    found = []
    for alarm in alarms_of(stage):
        found += [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
        found += [alarm] if "MetricName" in alarm else []
    return {_key(each) for each in found}


def _key(metric: Any) -> tuple[str, str, frozenset[tuple[str, str]]]:
    dimensions = frozenset((one["Name"], one["Value"]) for one in metric["Dimensions"])
    return metric["Namespace"], metric["MetricName"], dimensions


def alarms_of(stage: Stage) -> list[Any]:
    """The alarms that are deployed."""
    pages = stage.aws.client("cloudwatch").get_paginator("describe_alarms").paginate()
    return [alarm for page in pages for alarm in page["MetricAlarms"]]


def _settle(stage: Stage, booking_id: str) -> None:
    stage.dynamodb.update_item(
        TableName=stage.tables["BookingsTable"],
        Key={"booking_id": {"S": booking_id}},
        UpdateExpression="SET #status = :cancelled REMOVE due_shard, due_at_s",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":cancelled": {"S": "CANCELLED"}},
    )
