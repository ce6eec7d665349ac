"""Answers to a saga that waits with a task token."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.shared import log
from chalicelib.shared.errors import LelekaError, StoreBusy

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_NOBODY_WAITS = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class TaskReplies:
    """Step Functions' side of a task token. An answer that nobody waits for any more is no error: what was done
    stands, and the saga has asked again or has rolled back."""

    def __init__(self, client: "SFNClient") -> None:
        self._client = client

    def succeed(self, task_token: str, output: object) -> bool:
        """Lets the saga go on with ``output``; false if it no longer waits.

        Raises:
            StoreBusy: it did not hear; the same answer may be sent again.
        """
        return self._send("send_task_success", taskToken=task_token, output=json.dumps(output))

    def fail(self, task_token: str, error: LelekaError) -> bool:
        """Fails the saga's state with the error's class name; false if it no longer waits.

        Raises:
            StoreBusy: it did not hear; the same answer may be sent again.
        """
        return self._send("send_task_failure", taskToken=task_token, error=type(error).__name__, cause=str(error))

    def _send(self, operation: str, **answer: str) -> bool:
        try:
            getattr(self._client, operation)(**answer)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in _NOBODY_WAITS:
                raise StoreBusy(f"the saga did not take the answer ({code}); it may be sent again") from error
            log.info("nobody waits for this answer any more", code=code)
            return False
        except BotoCoreError as error:
            raise StoreBusy("the saga could not be reached; the answer may be sent again") from error
        return True
