"""What Step Functions runs or ran for one booking: its saga, and everything that undid it."""

import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from leleka.follow import FollowError, execution_arn
from leleka.stage import Stage

RUNS_MAX = 50
"""How many settlements, and how many redrives, of one booking are looked for."""


@dataclass(frozen=True)
class Execution:
    """One execution. ``kind`` is saga, cancellation, settlement or redrive."""

    kind: str
    name: str
    arn: str
    status: str
    started_at: datetime
    stopped_at: datetime | None = None

    @property
    def running(self) -> bool:
        """Whether it may still change something; what is not known to be an end is none."""
        return self.status not in {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


def executions_of(stage: Stage, booking_id: str) -> list[Execution]:
    """All of them, in the order in which they began.

    Raises:
        FollowError: Step Functions did not answer.
    """
    undo = cancellation_saga(stage)
    found = [_find(stage, "saga", stage.saga_arn, booking_id), _find(stage, "cancellation", undo, booking_id)]
    for kind, infix in (("settlement", "settle"), ("redrive", "redrive")):
        numbered = (_find(stage, kind, undo, f"{booking_id}-{infix}-{number}") for number in range(1, RUNS_MAX + 1))
        found += itertools.takewhile(bool, numbered)  # numbers are given without a gap
    return sorted((each for each in found if each), key=lambda each: each.started_at)


def cancellation_saga(stage: Stage) -> str:
    """The state machine that undoes bookings.

    Raises:
        FollowError: the stage has none.
    """
    try:
        return stage.outputs["CancellationSagaArn"]
    except KeyError as missing:
        raise FollowError(f"stage {stage.name} has no cancellation saga; run: leleka deploy") from missing


def _find(stage: Stage, kind: str, machine: str, name: str) -> Execution | None:
    arn = execution_arn(machine, name)
    sfn = stage.orchestrator
    try:
        told: Any = sfn.describe_execution(executionArn=arn)
    except sfn.exceptions.ExecutionDoesNotExist:
        return None
    except (BotoCoreError, ClientError) as error:
        raise FollowError(f"Step Functions did not tell how {name} stands: {error}") from error
    return Execution(kind, name, arn, told["status"], told["startDate"], told.get("stopDate"))
