"""Payment commands that were set aside after too many attempts: looked at without taking them, or sent again.

A look receives each message and gives it back at once. Sending again is safe to interrupt: each command is put on the
payment queue first and taken off the dead letters after, so that it may come twice but is never lost; commands are
idempotent. What was received and not dealt with comes back by itself after ``_HIDDEN_S``.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.api.history import timeline_of
from leleka.follow import FollowError, execution_arn, new_events
from leleka.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

LETTERS_MAX = 500
"""How many letters one command looks at or sends again."""

_PAGE = 10
_HIDDEN_S = 120
_DEADLINE_S = 60.0
_LOOK_S = 1  # AWS asks all of its servers only when it may wait


class DeadLettersError(Exception):
    """The queue could not be read or written; the message says how far it came."""


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command that was set aside. ``booking_id`` and ``command`` are None where it can't be read."""

    message_id: str
    booking_id: str | None
    command: str | None
    received: int
    age_s: int
    error: str | None = None
    """What its step failed with in the saga, as far as Step Functions still knows."""


class _Command(msgspec.Struct):
    command: str
    booking_id: str


def waiting(stage: Stage) -> list[DeadLetter]:
    """The letters, oldest first, at most ``LETTERS_MAX``; all of them stay in the queue.

    Raises:
        DeadLettersError: SQS did not answer.
    """
    sqs, queue = _sqs(stage), _queue(stage, "PaymentDeadLetters")
    messages: list[MessageTypeDef] = []
    try:
        messages += _received(sqs, queue)
    except (BotoCoreError, ClientError) as error:
        raise DeadLettersError(f"the dead letters can't be read: {error}") from error
    finally:
        for message in messages:
            _give_back(sqs, queue, message)
    letters = [_letter(message, time.time()) for message in messages]
    told = [msgspec.structs.replace(letter, error=_error_of(stage, letter)) for letter in letters]
    return sorted(told, key=lambda letter: -letter.age_s)


def redrive(stage: Stage) -> Iterator[DeadLetter]:
    """Sends the letters back to the payment queue, each yielded once that is done; at most ``LETTERS_MAX``.

    Raises:
        DeadLettersError: SQS did not answer; what was not sent is still there.
    """
    sqs, letters = _sqs(stage), _queue(stage, "PaymentDeadLetters")
    payments = _queue(stage, "PaymentCommandsQueue")
    try:
        for message in _received(sqs, letters):
            sqs.send_message(QueueUrl=payments, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=letters, ReceiptHandle=message["ReceiptHandle"])
            yield _letter(message, time.time())
    except (BotoCoreError, ClientError) as error:
        raise DeadLettersError(f"the redrive stopped; what is left stays a dead letter: {error}") from error


def _received(sqs: "SQSClient", queue: str) -> Iterator["MessageTypeDef"]:
    """Each message once. Ends when the queue seems empty, at ``LETTERS_MAX`` or when the time is over."""
    until_s = time.monotonic() + _DEADLINE_S
    seen: set[str] = set()
    while len(seen) < LETTERS_MAX and time.monotonic() < until_s:
        answer = sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=min(_PAGE, LETTERS_MAX - len(seen)),
            VisibilityTimeout=_HIDDEN_S,
            WaitTimeSeconds=_LOOK_S,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
        )
        fresh = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        if not fresh:
            return
        seen |= {message["MessageId"] for message in fresh}
        yield from fresh


def _give_back(sqs: "SQSClient", queue: str, message: "MessageTypeDef") -> None:
    with suppress(BotoCoreError, ClientError):  # it comes back by itself, only later
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)


def _letter(message: "MessageTypeDef", now_s: float) -> DeadLetter:
    attributes: Any = message.get("Attributes", {})
    sent_s = int(attributes.get("SentTimestamp", 0)) / 1000
    try:
        command = msgspec.json.decode(message["Body"], type=_Command)
    except msgspec.MsgspecError:
        command = None
    return DeadLetter(
        message_id=message["MessageId"],
        booking_id=command.booking_id if command else None,
        command=command.command if command else None,
        received=int(attributes.get("ApproximateReceiveCount", 0)),
        age_s=max(0, int(now_s - sent_s)),
    )


def _error_of(stage: Stage, letter: DeadLetter) -> str | None:
    """The first error of the command's step, in the booking's saga or else in its cancellation."""
    for saga in (stage.saga_arn, stage.outputs.get("CancellationSagaArn")):
        if saga and letter.booking_id:
            with suppress(FollowError):
                events = new_events(stage.orchestrator, execution_arn(saga, letter.booking_id), 0)
                steps = timeline_of(events).steps
                errors = [step.error for step in steps if step.name == letter.command and step.error]
                if errors:
                    return errors[0]
    return None


def _sqs(stage: Stage) -> "SQSClient":
    client: SQSClient = stage.aws.client("sqs")
    return client


def _queue(stage: Stage, output: str) -> str:
    try:
        return stage.outputs[output]
    except KeyError as missing:
        raise DeadLettersError(f"stage {stage.name} has no queue {output}; run: leleka deploy") from missing
