"""Follows a running saga: asks Step Functions for what is new, and stops when it has ended or the time is over."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.api.history import HistoryEvent, advance
from chalicelib.api.timeline import Note, Outcome, Timeline

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_PAGE_EVENTS = 100
_PAGES_MAX = 50  # a saga has fewer than 1,000 events, all retries included
_CUSTOMER_S_MAX = 3_600.0  # a hold is shorter, so Step Functions ends the wait before
_CUSTOMER_POLL = 5  # times longer between two looks while nothing happens but waiting


class FollowError(Exception):
    """The saga could not be followed; the message says why."""


class SagaNotFound(FollowError):
    """There is no such execution."""


class SagaStillRunning(FollowError):
    """The time to wait is over and the saga runs on; nothing was done to it."""


def execution_arn(saga_arn: str, booking_id: str) -> str:
    """The execution of a booking's saga, which bears the booking's id."""
    return f"{saga_arn.replace(':stateMachine:', ':execution:')}:{booking_id}"


def follow(
    client: "SFNClient",
    execution: str,
    *,
    timeout_s: float,
    poll_s: float = 0.2,
    begun: Timeline | None = None,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[Timeline, list[Note]]]:
    """Yields the timeline after each look, with what happened since the one before; the last one has ended.

    Time in which the saga waits for the customer does not count. ``begun`` has the steps of a saga that this one
    undoes; its own steps follow them.

    Raises:
        SagaNotFound: there is no execution of that name.
        SagaStillRunning: it did not end within ``timeout_s``.
        FollowError: Step Functions did not answer.
    """
    deadline = clock() + timeout_s
    deadline_max = deadline + _CUSTOMER_S_MAX
    timeline = begun or Timeline()
    while True:
        timeline, notes = advance(timeline, new_events(client, execution, timeline.last_event_id))
        yield timeline, notes
        if timeline.outcome is not Outcome.RUNNING:
            return
        now = clock()
        if timeline.awaits_customer:
            deadline = min(now + timeout_s, deadline_max)
        if now >= deadline:
            raise SagaStillRunning(f"the saga still runs after {timeout_s:g} s: {execution.rpartition(':')[2]}")
        wait(poll_s * _CUSTOMER_POLL if timeline.awaits_customer else poll_s)


def new_events(client: "SFNClient", execution: str, after_id: int) -> list[HistoryEvent]:
    """The events later than ``after_id``, in order; reads from the newest back, so that little is sent twice.

    Raises:
        SagaNotFound, FollowError: see :func:`follow`.
    """
    events: list[HistoryEvent] = []
    page: dict[str, Any] = {}
    for _ in range(_PAGES_MAX):
        answer = _history(client, execution, page)
        events += [event for event in answer["events"] if event["id"] > after_id]
        oldest = answer["events"][-1]["id"] if answer["events"] else 0
        if oldest <= after_id + 1 or "nextToken" not in answer:
            return events[::-1]
        page = {"nextToken": answer["nextToken"]}
    raise FollowError(f"the saga has more than {_PAGES_MAX * _PAGE_EVENTS} events; that is no booking")


def _history(client: "SFNClient", execution: str, page: dict[str, Any]) -> Any:
    try:
        return client.get_execution_history(
            executionArn=execution, reverseOrder=True, maxResults=_PAGE_EVENTS, includeExecutionData=False, **page
        )
    except client.exceptions.ExecutionDoesNotExist as error:
        raise SagaNotFound(f"no saga has run for {execution.rpartition(':')[2]}") from error
    except (BotoCoreError, ClientError) as error:
        raise FollowError(f"Step Functions did not tell how the saga stands: {error}") from error
