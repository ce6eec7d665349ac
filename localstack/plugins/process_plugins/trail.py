"""A trail of who asked what of AWS: one JSON line for each call that an assumed role makes.

``CALL_TRAIL`` names the file; without it nothing is recorded. A function calls AWS as its role, in a session with the
function's name, and a state machine calls as its own; the caller is their session's ARN, as in CloudTrail. What is in
a line: ``caller``, ``call`` (service and operation), ``questions`` (what IAM is asked, pairs of action and ARN; null
where :mod:`process_plugins.authorization` does not know) and ``context`` (the condition keys).

A call that can't be recorded fails, so that a trail is whole or its absence is noticed.
"""

import json
import os
from typing import Any

from localstack.aws import handlers
from localstack.services.stepfunctions.backend.store import sfn_stores
from localstack.utils.aws.request_context import extract_access_key_id_from_auth_header
from moto.sts.models import sts_backends

from process_plugins.authorization import Where, context, questions


def keep(file: str) -> None:
    """Keeps a trail in this file from now on.

    Raises:
        OSError: the file can't be written.
    """
    handlers.serve_custom_service_request_handlers.append(Trail(file))


class Trail:
    """A handler of LocalStack's chain, which sees each request after it was parsed and before it is carried out."""

    def __init__(self, file: str) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._callers: dict[str, str | None] = {}

    def __call__(self, _chain: Any, call: Any, _response: Any) -> None:
        """Adds the call's line."""
        caller = self._caller(call)
        if caller is None:
            return
        service, operation, request = call.service.service_name, call.operation.name, call.service_request or {}
        where = Where(call.partition, call.region, call.account_id)
        asked = questions(service, operation, request, where, lambda token: _machine_of(call, token))
        line = {
            "caller": caller,
            "call": f"{service}:{operation}",
            "questions": None if asked is None else [[each.action, each.resource] for each in asked],
            "context": context(service, operation, request),
        }
        self._write(json.dumps(line).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        # One write of a descriptor that appends is one line, whichever thread it is.
        if os.write(self._descriptor, line) != len(line):
            raise OSError("the call trail was cut off; the disk may be full")

    def _caller(self, call: Any) -> str | None:
        """The ARN of the session that the call's credentials belong to; None if they are nobody's role."""
        key = extract_access_key_id_from_auth_header(call.request.headers) if call.service else None
        if key is None:
            return None
        if key not in self._callers:
            session = sts_backends[call.account_id][call.partition].get_assumed_role_from_access_key(key)
            self._callers[key] = None if session is None else str(session.arn)
        return self._callers[key]


def _machine_of(call: Any, token: str) -> str | None:
    """The state machine of the execution that waits, or waited, with this task token."""
    for execution in list(sfn_stores[call.account_id][call.region].executions.values()):
        environment = execution.exec_worker and execution.exec_worker.env  # neither is there from the beginning
        if environment and environment.callback_pool_manager.get(token):
            machine, _, _ = str(execution.exec_arn).replace(":execution:", ":stateMachine:").rpartition(":")
            return machine
    return None
