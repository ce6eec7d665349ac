"""What an operator does to a booking: drive its compensations again, or stop its saga and roll it back.

Both are safe to repeat. The name of an execution is what makes it start once; its compensations do nothing where there
is nothing to undo.
"""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from leleka.executions import RUNS_MAX, Execution, cancellation_saga, executions_of
from leleka.follow import execution_arn
from leleka.stage import Stage
from leleka.unfinished import Case, OpsError, find, lock_id_of

_ABORTED = "Aborted"
_SETTLED = {"CONFIRMED", "CANCELLED", "NEEDS_ATTENTION"}
"""From there on a booking's own saga only tells of it; to stop it would change nothing."""


def redrive(stage: Stage, ref: str) -> Execution:
    """Starts the compensations of a stuck booking once more, from the first; what was undone before stays so.

    Raises:
        OpsError: there is no such booking, nothing of it is stuck, or something is at work on it; nothing was started.
        FollowError: Step Functions did not answer.
    """
    booking_id = find(stage, ref).booking_id
    # First the executions, then the booking: what has ended before the look has written before it, too.
    runs = executions_of(stage, booking_id)
    case = find(stage, booking_id)
    _require_quiet(ref, case, runs)
    lost = any(run.kind != "saga" and run.status != "SUCCEEDED" for run in runs)  # a cancellation that broke off
    if case.status == "CANCELLED" or (case.status == "CONFIRMED" and not lost):
        raise OpsError(f"nothing of booking {ref} is stuck: it is {case.status}")
    if case.status == "REQUESTED" and not runs:
        raise OpsError(f"nothing of booking {ref} is stuck: its saga has not begun")
    number = 1 + sum(run.kind == "redrive" for run in runs)
    if number > RUNS_MAX:
        raise OpsError(f"booking {ref} was driven again {RUNS_MAX} times; look for the cause first: leleka ops show")
    return _start(stage, case, f"{booking_id}-redrive-{number}")


def require_running(stage: Stage, ref: str) -> Execution:
    """The booking's saga, if it can be aborted now.

    Raises:
        OpsError: there is no such booking, or its saga has ended; the message says what can be done instead.
        FollowError: Step Functions did not answer.
    """
    case = find(stage, ref)
    runs = executions_of(stage, case.booking_id)
    saga = next((run for run in runs if run.kind == "saga"), None)
    if saga is not None and saga.running and case.status not in _SETTLED:
        return saga
    if saga is None and case.status == "REQUESTED":
        raise OpsError(f"the saga of booking {ref} has not begun; there is nothing to abort")
    instead = {
        "CONFIRMED": "its customer can cancel it: leleka cancel",
        "CANCELLED": "it is cancelled already",
        "NEEDS_ATTENTION": "drive its compensations again: leleka ops redrive",
    }.get(case.status, "the reconciler finishes it; at once: leleka ops redrive")
    raise OpsError(f"the saga of booking {ref} has ended, there is nothing to abort; {instead}")


def abort(stage: Stage, saga: Execution) -> Execution:
    """Stops the saga, and has the reconciler roll the booking back at once. Returns the execution that does.

    Raises:
        OpsError: the saga ended by itself in the same moment; or it was stopped, and the reconciler comes by its
            schedule only.
        FollowError: Step Functions did not answer.
    """
    try:
        stage.orchestrator.stop_execution(executionArn=saga.arn, error=_ABORTED, cause="an operator aborted the saga")
        payload = json.dumps({"trigger": "abort", "execution_arn": saga.arn})
        answer: Any = stage.aws.client("lambda").invoke(FunctionName=stage.outputs["Reconcile"], Payload=payload)
        told = json.loads(answer["Payload"].read())
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"the abort stopped half-way; the reconciler comes by its schedule: {error}") from error
    if "FunctionError" in answer:
        raise OpsError(f"the saga is stopped; the reconciler failed and comes by its schedule: {told}")
    rollback = [run for run in executions_of(stage, saga.name) if run.kind == "settlement"]
    if not rollback:
        raise OpsError(f"the saga ended by itself before it could be stopped; see: leleka ops show {saga.name}")
    return rollback[-1]


def _require_quiet(ref: str, case: Case, runs: list[Execution]) -> None:
    for run in runs:
        if run.running and not (run.kind == "saga" and case.status in _SETTLED):
            what = "its saga is still at work" if run.kind == "saga" else f"its {run.kind} is already at work"
            raise OpsError(f"booking {ref}: {what} ({run.name}); it was left alone")


def _start(stage: Stage, case: Case, name: str) -> Execution:
    saga = cancellation_saga(stage)
    document = {
        "booking_id": case.booking_id,
        "flight_id": case.flight_id,
        "seat": case.seat,
        "ticket": {"lock_id": lock_id_of(stage, case.booking_id)},
        "refunded_minor": 0,
        "redriven": True,
        "error": {"Error": case.reason or "SagaLost", "Cause": "an operator drove the compensations again"},
    }
    try:
        # The same name with the same input is the same execution, so that two operators at once start one.
        told = stage.orchestrator.start_execution(stateMachineArn=saga, name=name, input=json.dumps(document))
    except stage.orchestrator.exceptions.ExecutionAlreadyExists as raced:
        raise OpsError(f"somebody else has just driven {case.booking_id} again ({name})") from raced
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"{name} did not start: {error}") from error
    return Execution("redrive", name, execution_arn(saga, name), "RUNNING", told["startDate"])
