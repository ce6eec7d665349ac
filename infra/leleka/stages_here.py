"""Stages by name, as seen from this machine: ``local`` is the stack that runs here, any other is on AWS."""

from leleka import stage as stages
from leleka.stack import StackConfig, find
from leleka.stage import LOCAL, Aws, Stage, StageError


def aws_of(stage: str) -> Aws:
    """The AWS of a stage.

    Raises:
        StageError: the stage is local and no stack runs here.
        StackError: the stack's state can't be read.
    """
    if stage != LOCAL:
        return Aws(stage)
    stack = find(StackConfig.from_environment())
    if stack is None:
        raise StageError("no local stack runs here; run: leleka up")
    return Aws(LOCAL, stack.gateway_url, stack.valkey_url)


def load(stage: str) -> Stage:
    """A deployed stage.

    Raises:
        StageError: it is not deployed, or its stack does not run.
        StackError: the stack's state can't be read.
    """
    return stages.load(aws_of(stage))
