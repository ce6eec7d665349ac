"""Counts what a stage does while a block runs."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from leleka.stage import Stage
from tests.benchmarks.work.counted import Call, Work, billed_ms_of, logged_bytes, row_bytes

_QUIET_S = 2.0
_QUIET_MAX_S = 60.0
_OUR_OWN = frozenset({"info"})
_BACKGROUND = ("Reconcile", "DueBookings", "DueHolds", "DuePayments")
_POLLERS = frozenset({"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:DeleteMessageBatch"})
_OF_A_BOOKING = ("BookingsTable", "SeatLedgerTable", "BaggageLedgerTable", "PaymentsTable", "SandboxGatewayTable")


@dataclass(frozen=True)
class _Mark:
    calls: Counter[Call]
    redis: Counter[str]
    messages: dict[str, int]


class Counters:
    """The stage's meters: the trail of AWS calls, Valkey's own statistics, the functions' logs, the executions."""

    def __init__(self, stage: Stage, trail: Path) -> None:
        self._stage = stage
        self._trail = trail
        self._tables = {name: logical for logical, name in stage.tables.items()}
        self._valkey = redis.Redis.from_url(stage.lock_url, socket_timeout=5)
        self._logs = stage.aws.client("logs")
        self._functions = _functions(stage)

    def of(self, story: Callable[[], list[str]]) -> Work:
        """The work of a story. It returns the bookings that it made; their sagas must have ended.

        Raises:
            AssertionError: the stage does not come to rest.
        """
        before = self._mark()
        bookings = story()
        self._rest()
        after = self._mark()
        work = Work(calls=after.calls - before.calls, redis=after.redis - before.redis)
        for group, function in self._functions.items():
            messages = self._messages(group)[before.messages[group] :]
            billed = [ms for message in messages if (ms := billed_ms_of(message)) is not None]
            if billed:
                work.invocations[function] += len(billed)
                work.billed_ms[function] += sum(billed)
            work.log_bytes += logged_bytes(messages)
        for booking_id in bookings:
            self._add_saga(work, booking_id)
            work.largest_row_bytes = max(work.largest_row_bytes, self._largest_row(booking_id))
        return work

    def _mark(self) -> _Mark:
        return _Mark(self._calls(), self._commands(), {group: len(self._messages(group)) for group in self._functions})

    def _calls(self) -> Counter[Call]:
        found: Counter[Call] = Counter()
        for line in self._trail.read_text().splitlines():
            told = json.loads(line)
            caller, call = told["caller"].rpartition("/")[2], told["call"]
            if caller.endswith(_BACKGROUND) or call in _POLLERS or call.startswith("logs:"):
                continue  # logs are counted by their bytes, messages when they are sent
            name = self._functions.get(f"/aws/lambda/{caller}", "a state machine")
            resources = tuple(self._readable(arn) for _, arn in told["questions"] or [])
            found[Call(name, call, resources)] += 1
        return found

    def _readable(self, arn: str) -> str:
        last = arn.rpartition(":")[2]
        table = last.removeprefix("table/").partition("/")[0]
        return self._tables.get(table, last)

    def _commands(self) -> Counter[str]:
        stats: Any = self._valkey.info("commandstats")
        found = Counter({name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()})
        return Counter({name: calls for name, calls in found.items() if name not in _OUR_OWN})

    def _messages(self, group: str) -> list[str]:
        pages = self._logs.get_paginator("filter_log_events")
        try:
            events = [event for page in pages.paginate(logGroupName=group) for event in page["events"]]
        except self._logs.exceptions.ResourceNotFoundException:
            return []  # it has not run yet
        return [event["message"] for event in events]

    def _rest(self) -> None:
        until_s = time.monotonic() + _QUIET_MAX_S
        seen, since_s = self._mark(), time.monotonic()
        while time.monotonic() - since_s < _QUIET_S:
            now = self._mark()
            assert time.monotonic() < until_s, f"no rest within {_QUIET_MAX_S} s: {now.calls - seen.calls}, {now.redis}"
            if now != seen:
                seen, since_s = now, time.monotonic()

    def _add_saga(self, work: Work, booking_id: str) -> None:
        arn = self._stage.saga_arn.replace(":stateMachine:", ":execution:") + f":{booking_id}"
        pages = self._stage.orchestrator.get_paginator("get_execution_history").paginate(executionArn=arn)
        for event in (event for page in pages for event in page["events"]):
            if "stateEnteredEventDetails" in event:
                work.transitions += 1
            output = event.get("stateExitedEventDetails", {}).get("output", "")
            work.state_bytes = max(work.state_bytes, len(output.encode()))

    def _largest_row(self, booking_id: str) -> int:
        tables = (self._stage.tables[name] for name in _OF_A_BOOKING)
        key = {"booking_id": {"S": booking_id}}
        rows = (self._stage.dynamodb.get_item(TableName=table, Key=key).get("Item") for table in tables)
        return max(row_bytes(row) for row in rows if row)


def _functions(stage: Stage) -> dict[str, str]:
    """The log groups of the stage's functions, with the functions' names in the template."""
    pages = stage.aws.client("cloudformation").get_paginator("list_stack_resources")
    summaries = (each for page in pages.paginate(StackName="leleka-local") for each in page["StackResourceSummaries"])
    return {
        f"/aws/lambda/{each['PhysicalResourceId']}": each["LogicalResourceId"]
        for each in summaries
        if each["ResourceType"] == "AWS::Lambda::Function" and each["LogicalResourceId"] not in _BACKGROUND
    }
