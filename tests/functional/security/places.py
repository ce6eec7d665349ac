"""Where data of a booking could turn up besides the tables: logs, what executions carry, topics, the events that wake
the reconciler."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from leleka.executions import executions_of
from leleka.stage import Stage
from tests.functional.customer import eventually
from tests.least_privilege.roles import resources_of

LOG, SAGA_DATA, ERROR_TEXT, TOPIC, EVENT = "a log", "a saga's data", "an error's text", "a topic", "an event's input"
_DATA_OF_AN_EXECUTION = {"input", "output", "parameters"}
_WAIT_S = 5


@dataclass(frozen=True)
class Text:
    """Something that was written down: of which kind the place is, which one it is, what stands there."""

    place: str
    where: str
    text: str


def logs(stage: Stage, since_ms: int, junk: dict[str, Any]) -> list[Text]:
    """What all functions have logged. Each is called once more, with what is no command of its own: its log has
    everything before that once it has the end of that."""
    names = resources_of(stage, "AWS::Lambda::Function").values()
    with ThreadPoolExecutor(4) as pool:
        return [text for texts in pool.map(lambda name: _log(stage, name, since_ms, junk), names) for text in texts]


def _log(stage: Stage, name: str, since_ms: int, junk: dict[str, Any]) -> list[Text]:
    awslambda, logs = stage.aws.client("lambda"), stage.aws.client("logs")
    group = awslambda.get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
    answer = awslambda.invoke(FunctionName=name, Payload=json.dumps(junk))
    end = f"END RequestId: {answer['ResponseMetadata']['RequestId']}"
    messages: list[str] = []

    def is_whole() -> bool:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms)
        messages[:] = [event["message"] for page in pages for event in page["events"]]
        return any(end in message for message in messages)

    eventually(is_whole, f"the log of {name} does not tell of {end}")
    return [Text(LOG, name, message) for message in messages]


def executions(stage: Stage, booking_id: str) -> list[Text]:
    """What every event of every execution of the booking carries."""
    history = stage.orchestrator.get_paginator("get_execution_history")
    found = []
    for run in executions_of(stage, booking_id):
        for page in history.paginate(executionArn=run.arn):
            for event in page["events"]:
                found += [Text(place, f"{run.kind} {event['type']}", text) for place, text in _carried(event)]
    return found


def _carried(event: Any) -> Iterator[tuple[str, str]]:
    details: dict[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    for name, value in details.items():
        yield SAGA_DATA if name in _DATA_OF_AN_EXECUTION else ERROR_TEXT, str(value)


class Listener:
    """A queue that gets what the topics say, and what the reconciler is woken with."""

    def __init__(self, stage: Stage) -> None:
        self._sqs, self._sns, self._events = (stage.aws.client(name) for name in ("sqs", "sns", "events"))
        self._rule = stage.outputs["LostSagaRule"]
        self._queues = {place: self._queue(place) for place in (TOPIC, EVENT)}
        topics = (stage.outputs["BookingEventsTopic"], stage.outputs["OperatorTopic"])
        self._subscriptions = [
            self._sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self._arn(TOPIC), ReturnSubscriptionArn=True)[
                "SubscriptionArn"
            ]
            for topic in topics
        ]
        (target,) = self._events.list_targets_by_rule(Rule=self._rule)["Targets"]
        self._events.put_targets(Rule=self._rule, Targets=[{**target, "Id": "listener", "Arn": self._arn(EVENT)}])

    def close(self) -> None:
        """Leaves everything as it was."""
        self._events.remove_targets(Rule=self._rule, Ids=["listener"])
        for subscription in self._subscriptions:
            self._sns.unsubscribe(SubscriptionArn=subscription)
        for queue in self._queues.values():
            self._sqs.delete_queue(QueueUrl=queue)

    def heard(self, place: str, until: set[str]) -> list[Text]:
        """What came, once it has named all of these."""
        texts: list[Text] = []

        def is_whole() -> bool:
            answer = self._sqs.receive_message(
                QueueUrl=self._queues[place], MaxNumberOfMessages=10, WaitTimeSeconds=_WAIT_S, VisibilityTimeout=600
            )
            texts.extend(Text(place, message["MessageId"], message["Body"]) for message in answer.get("Messages", []))
            return all(any(name in text.text for text in texts) for name in until)

        eventually(is_whole, f"{place} does not tell of {until}")
        return texts

    def _queue(self, place: str) -> str:
        name = "listener-" + place.replace(" ", "-").replace("'", "")
        return str(self._sqs.create_queue(QueueName=name)["QueueUrl"])

    def _arn(self, place: str) -> str:
        queue = self._queues[place]
        return str(
            self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        )
