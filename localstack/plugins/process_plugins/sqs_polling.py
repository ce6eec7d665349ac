"""A queue's messages reach their function at once, and several of them at the same time, as on AWS.

LocalStack 4.14 asks each queue over and over, answers "nothing" at once, and carries out one message after another.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

import logging
import threading
from typing import Any

from localstack.services.lambda_.event_source_mapping.pollers import sqs_poller

LOG = logging.getLogger(__name__)

_AT_ONCE_MAX = 8
_WAIT_S = 2  # a mapping that is removed ends after it
_register = sqs_poller.SqsPoller._register_client_hooks
_handle = sqs_poller.SqsPoller.handle_messages


def poll_as_aws_does() -> None:
    """To be called before the first event source mapping is made."""
    sqs_poller.SqsPoller._register_client_hooks = _register_with_long_polls
    sqs_poller.SqsPoller.handle_messages = _handle_beside_others


def _register_with_long_polls(poller: Any) -> None:
    _register(poller)
    poller._at_once = threading.BoundedSemaphore(_AT_ONCE_MAX)
    poller.source_client.meta.events.register("provide-client-params.sqs.ReceiveMessage", _wait_for_messages)


def _wait_for_messages(params: dict[str, Any], **_: Any) -> None:
    params["WaitTimeSeconds"] = params.get("WaitTimeSeconds") or _WAIT_S


def _handle_beside_others(poller: Any, messages: Any) -> None:
    """Returns while the batch is under way, unless so many are that this one has to wait, or their order counts."""
    if poller.is_fifo_queue:
        _handle(poller, messages)
        return
    poller._at_once.acquire()
    threading.Thread(target=_handle_one, args=(poller, messages), name="sqs-batch", daemon=True).start()


def _handle_one(poller: Any, messages: Any) -> None:
    try:
        _handle(poller, messages)
    except Exception as error:  # noqa: BLE001 - as LocalStack's own loop does; the messages come again
        LOG.warning("a batch of %s was not carried out: %s", poller.source_arn, error)
    finally:
        poller._at_once.release()
