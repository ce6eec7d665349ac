"""What the state machines need, read off their deployed definitions: every task of every state, also of those that are
rarely entered."""

import json
from collections.abc import Iterator
from typing import Any

from leleka.stage import Stage
from tests.least_privilege.calls import Call

_INTEGRATIONS = {
    "sns:publish": ("sns:Publish", "TopicArn"),
    "sqs:sendMessage": ("sqs:SendMessage", "QueueUrl"),
    "lambda:invoke": ("lambda:InvokeFunction", "FunctionName"),
}
_PREFIX = "arn:aws:states:::"


def calls_of_definitions(stage: Stage) -> set[Call]:
    """As if each task of both sagas had been carried out once."""
    machines = (stage.saga_arn, stage.outputs["CancellationSagaArn"])
    return {call for machine in machines for call in _calls(stage, machine)}


def _calls(stage: Stage, machine: str) -> Iterator[Call]:
    described = stage.orchestrator.describe_state_machine(stateMachineArn=machine)
    role = described["roleArn"].rpartition("/")[2]
    for name, state in json.loads(described["definition"])["States"].items():
        if state["Type"] == "Task":
            yield Call(role, f"state {name}", *_question(stage, state))


def _question(stage: Stage, state: dict[str, Any]) -> tuple[str, str]:
    resource: str = state["Resource"]
    if not resource.startswith(_PREFIX):
        return "lambda:InvokeFunction", resource
    action, parameter = _INTEGRATIONS[resource.removeprefix(_PREFIX).removesuffix(".waitForTaskToken")]
    named: str = state["Parameters"][parameter]
    if action == "sqs:SendMessage":
        return action, stage.aws.client("sqs").get_queue_attributes(QueueUrl=named, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
    return action, named
