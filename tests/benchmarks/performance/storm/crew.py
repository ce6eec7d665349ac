"""The functions of a storm: processes as Lambda has them, each with its own clients, one customer at a time."""

import json
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from types import SimpleNamespace
from typing import Any, NamedTuple

from chalicelib import bootstrap
from chalicelib.seat import handlers
from chalicelib.shared.errors import LelekaError, SeatTaken, StoreBusy
from leleka.paths import PROJECT
from leleka.stack.servers import die_with_parent
from tests.benchmarks.performance.storm.verdicts import Customer, Outcome, Verdict

_START_S = 60.0
_CONTEXT = SimpleNamespace(aws_request_id="storm")


class Share(NamedTuple):
    """What one process did of a storm."""

    verdicts: list[Verdict]
    began_at_s: float
    cpu_s: float
    requests: Counter[str]


class Crew:
    """So many processes of the function ReserveSeat with these environment variables. They are forked, so the process
    that makes them must have no threads and no clients yet; they end with it, however it ends."""

    def __init__(self, size: int, variables: Mapping[str, str]) -> None:
        context = multiprocessing.get_context("fork")
        barrier = context.Barrier(size, timeout=_START_S)
        pipes = [context.Pipe() for _ in range(size)]
        self._ends = [ours for ours, _ in pipes]
        self._processes = [
            context.Process(target=_work, args=(theirs, barrier, variables, os.getpid()), daemon=True)
            for _, theirs in pipes
        ]
        for process in self._processes:
            process.start()
        for _, theirs in pipes:
            theirs.close()  # else a process that died would be waited for

    def reserve(self, customers: Sequence[Customer]) -> list[Share]:
        """Lets the customers go, spread over the processes, and waits for all verdicts.

        Raises:
            EOFError: a process died.
        """
        for number, end in enumerate(self._ends):
            end.send(customers[number :: len(self._ends)])
        return [end.recv() for end in self._ends]

    def close(self) -> None:
        """Ends the processes."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()


def _work(connection: Connection, barrier: Barrier, variables: Mapping[str, str], parent: int) -> None:
    die_with_parent(parent)
    os.environ.update(variables)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the function's log, which Lambda would take
    retry = _retry()
    requests: Counter[str] = Counter()
    events = bootstrap._aws("dynamodb").meta.events  # the client that the store is given
    events.register("before-send.dynamodb", lambda event_name, **_: requests.update([event_name.rpartition(".")[2]]))
    while True:
        customers = connection.recv()
        requests.clear()
        barrier.wait()
        began_at_s, cpu_s = time.monotonic(), time.process_time()
        verdicts = [_ask(customer, retry) for customer in customers]
        connection.send(Share(verdicts, began_at_s, time.process_time() - cpu_s, requests))


def _retry() -> dict[str, Any]:
    """How the booking saga repeats the step when the store is busy."""
    saga = json.loads((PROJECT / "statemachine" / "booking_saga.asl.json").read_text())
    retriers: list[dict[str, Any]] = saga["States"]["ReserveSeat"]["Retry"]
    return next(each for each in retriers if "StoreBusy" in each["ErrorEquals"])


def _ask(customer: Customer, retry: Mapping[str, Any]) -> Verdict:
    began_s = time.monotonic()
    attempt = 0
    while True:
        outcome, number, error = _invoke(customer, attempt)
        attempt += 1
        if error != StoreBusy.__name__ or attempt > retry["MaxAttempts"]:
            ended_s = time.monotonic()
            return Verdict(customer, outcome, number, attempt, (ended_s - began_s) * 1000, ended_s, error)
        longest_s = retry["IntervalSeconds"] * retry["BackoffRate"] ** (attempt - 1)
        time.sleep(random.uniform(0, min(longest_s, retry["MaxDelaySeconds"])))


def _invoke(customer: Customer, attempt: int) -> tuple[Outcome, int, str]:
    command = {name: getattr(customer, name) for name in customer.__struct_fields__}
    try:
        hold = handlers.reserve_seat({**command, "attempt": attempt}, _CONTEXT)
    except SeatTaken:
        return Outcome.LOST, 0, ""
    except LelekaError as error:
        return Outcome.NONE, 0, type(error).__name__
    return Outcome.WON, int(hold["fencing_number"]), ""
