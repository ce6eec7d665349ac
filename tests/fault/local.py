"""A local stack whose functions can go wrong: the usual one, with another interpreter, short waits, a Valkey apart."""

import functools
import json
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from leleka import deploy
from leleka.paths import PROJECT
from leleka.seed.data import load_fleet
from leleka.seed.items import seats_of
from leleka.stack import StackConfig, temporary_stack
from leleka.stack.config import free_ports
from leleka.stack.servers import die_with_parent, valkey_answers, valkey_binary
from leleka.stage import LOCAL, Aws, Stage
from tests.fault import saga_file
from tests.functional.customer import eventually

SEAMS = Path(__file__).with_name("seams")
TTL_S, TOTAL_S = 90, 90
RENEWALS_MAX = 2
"""How often a hold of this age is renewed before it is too old: ticks come every third of its time."""
BAGS = 120
SEATS = [f"{row}{letter}" for row in range(18, 30) for letter in "ABCDEF"]
_REDELIVERY_S = "6"
_FUNCTION_S = {"CarryOutPayments": 5, "NotifyCustomer": 5}
_LOCK_TIMEOUT_MS = "500"
_serializer = TypeSerializer()


class Valkey:
    """A Valkey of the matrix's own: when the stack's one ends, so does the stack."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts it, empty, and waits until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with (self._folder / "valkey-of-the-matrix.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                [str(valkey_binary()), *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                # The main thread starts it, so the hook is safe and the signal comes when this process ends, however.
                preexec_fn=functools.partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - as said above
            )
        eventually(lambda: valkey_answers(self.port), "Valkey does not come up")

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP freezes it, SIGCONT lets it go on, SIGKILL ends it."""
        if self._process is not None:
            self._process.send_signal(number)
            if number is signal.SIGKILL:
                self._process.wait()

    def end(self) -> None:
        """Ends it, also when it is frozen."""
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGKILL)


@dataclass
class Local:
    """The stack and the system on it.

    Attributes:
        stage: the system.
        folder: where plans are written and what became of them is read.
        code: the zip that every function runs.
        functions: functions' names by their logical names; ``arns`` their ARNs.
        notifications: the queue of the events that become mails.
    """

    stage: Stage
    folder: Path
    valkey: Valkey
    code: bytes
    functions: dict[str, str] = field(default_factory=dict)
    arns: dict[str, str] = field(default_factory=dict)
    notifications: str = ""
    starting: threading.RLock = field(default_factory=threading.RLock)
    """Held while an execution is started, so that a state machine can be another one for a single start."""

    def use_saga(self, name: str, definition: dict[str, Any]) -> None:
        """Executions that start from now on follow this definition."""
        arn = self.stage.saga_arn if name == saga_file.BOOKING else self.stage.outputs["CancellationSagaArn"]
        self.stage.orchestrator.update_state_machine(stateMachineArn=arn, definition=self._filled_in(definition))

    def _filled_in(self, definition: dict[str, Any]) -> str:
        text = json.dumps(definition)
        for name, value in {**self.stage.outputs, **self.arns}.items():
            text = text.replace(f"${{{name}}}", value)
        assert "${" not in text, f"the stage does not tell what {text[text.index('${') :][:40]} is"
        return text

    def call(self, function: str, command: dict[str, Any]) -> Any:
        """Invokes a function and returns its answer, an error included."""
        answer = self.stage.aws.client("lambda").invoke(
            FunctionName=self.functions[function], Payload=json.dumps(command).encode()
        )
        return json.loads(answer["Payload"].read())

    def use_code(self, function: str, code: bytes) -> None:
        """Gives one function another zip; returns when that is what runs."""
        awslambda = self.stage.aws.client("lambda")
        awslambda.update_function_code(FunctionName=self.functions[function], ZipFile=code)
        self._wait_until_updated(awslambda, [function])

    def give_time(self, timeouts_s: dict[str, int]) -> dict[str, int]:
        """Sets the time-outs of functions and returns what they were; waits until they are in force."""
        awslambda = self.stage.aws.client("lambda")
        before = {}
        for name, timeout_s in timeouts_s.items():
            function = self.functions[name]
            before[name] = awslambda.get_function_configuration(FunctionName=function)["Timeout"]
            awslambda.update_function_configuration(FunctionName=function, Timeout=timeout_s)
        self._wait_until_updated(awslambda, timeouts_s)
        return before

    def _wait_until_updated(self, awslambda: Any, names: Iterable[str]) -> None:
        waiter = awslambda.get_waiter("function_updated_v2")
        for name in names:
            waiter.wait(FunctionName=self.functions[name], WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def send(self, message: dict[str, Any]) -> None:
        """Sends a message to the queue that it came from: commands to the payments' one, events to the mails' one."""
        url = self.stage.outputs["PaymentCommandsQueue"] if "command" in message else self.notifications
        self.stage.aws.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(message))

    def put(self, table: str, item: dict[str, Any]) -> None:
        """Writes an item as it is."""
        typed = {name: _serializer.serialize(value) for name, value in item.items()}
        self.stage.dynamodb.put_item(TableName=self.stage.tables[table], Item=typed)


@contextmanager
def local(folder: Path, flights: int) -> Iterator[Local]:
    """The stack for a block, with so many flights of its own. It ends with the block, or with this process."""
    faults = folder / "faults"
    for each in ("plans", "taken", "kept", "gates"):
        (faults / each).mkdir(parents=True)
    os.environ["PROCESS_EXECUTOR_PYTHON"] = str(_interpreter(folder, faults))
    with ExitStack() as ends, ThreadPoolExecutor(1) as pool:
        ends.callback(os.environ.pop, "PROCESS_EXECUTOR_PYTHON")
        packaging = pool.submit(deploy.package, LOCAL)
        running = ends.enter_context(temporary_stack(StackConfig(folder / "stack")))
        valkey = Valkey(folder)
        valkey.start()
        ends.callback(valkey.end)
        packaged = packaging.result()
        code = packaged.code.read_bytes()
        stage = deploy.deploy(
            Aws(LOCAL, running.gateway_url),
            valkey.url,
            packaged=packaged,
            LockTimeoutMs=_LOCK_TIMEOUT_MS,
            HoldTtlSeconds=str(TTL_S),
            HoldTotalSeconds=str(TOTAL_S),
            PaymentVisibilitySeconds=_REDELIVERY_S,
        )
        made = Local(stage, faults, valkey, code)
        _impatient(made)
        _sell(made, flights)
        yield made


def flight_id(number: int) -> str:
    """A flight of the matrix."""
    return f"AAA-ZZZ-{number:04}"


def _interpreter(folder: Path, faults: Path) -> Path:
    """The functions' own interpreter, with the seams on its path; it stays the same process."""
    python = PROJECT / "localstack" / ".runtime" / "bin" / "python"
    script = folder / "python"
    settings = f"PYTHONPATH={shlex.quote(str(SEAMS))} LELEKA_FAULTS={shlex.quote(str(faults))}"
    script.write_text(f'#!/bin/sh\n{settings} exec {shlex.quote(str(python))} "$@"\n')
    script.chmod(0o700)
    return script


def _impatient(made: Local) -> None:
    """Functions by name; the messages' functions give up, and messages come again, after seconds."""
    aws, stage = made.stage.aws, made.stage
    awslambda, sqs = aws.client("lambda"), aws.client("sqs")
    pages = awslambda.get_paginator("list_functions").paginate()
    for page in pages:
        for function in page["Functions"]:
            name = function["FunctionName"].rpartition("-")[2]
            made.functions[name], made.arns[name] = function["FunctionName"], function["FunctionArn"]
    made.give_time(_FUNCTION_S)
    queues = sqs.list_queues()["QueueUrls"]
    (made.notifications,) = [url for url in queues if "NotificationQueue" in url]
    sqs.set_queue_attributes(QueueUrl=made.notifications, Attributes={"VisibilityTimeout": _REDELIVERY_S})
    _one_event_at_a_time(awslambda, made.functions["NotifyCustomer"])
    for name in (saga_file.BOOKING, saga_file.CANCELLATION):
        made.use_saga(name, saga_file.load(name).definition)
    assert stage.outputs["OperatorQueue"] in queues


def _one_event_at_a_time(awslambda: Any, function: str) -> None:
    """Otherwise the fault of one booking's event would be the fault of all events of its batch."""
    (mapping,) = awslambda.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    awslambda.update_event_source_mapping(UUID=mapping["UUID"], BatchSize=1)


def _sell(made: Local, flights: int) -> None:
    """Flights of which one case at a time has the whole: so the bags of a case can be counted."""
    seats = [seat for seat in seats_of(load_fleet()["B738"]) if seat["seat"] in SEATS]
    fare = {"seat_minor": 5000, "exit_row_seat_minor": 7000, "bag_minor": 1000, "currency": "EUR"}
    flight = {"number": "LL 1", "origin": "AAA", "destination": "ZZZ", "aircraft": "B738", "distance_km": 1}
    times = {"departs_at_s": 4_000_000_000, "arrives_at_s": 4_000_003_600}
    texts = {"departs_local": "2096-10-02T07:06", "arrives_local": "2096-10-02T08:06", "route": "AAA-ZZZ"}

    def sell(number: int) -> None:
        key = {"flight_id": flight_id(number)}
        made.put("FlightsTable", {**key, **flight, **times, **texts})
        made.put("FaresTable", {**key, **fare, "cabin": "economy"})
        made.put("BaggageQuotaTable", {**key, "capacity": BAGS, "free": BAGS})
        for seat in seats:
            made.put("SeatsTable", {**key, **seat})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sell, range(flights)))
