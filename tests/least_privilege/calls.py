"""The calls that functions and state machines made, read off the trail that LocalStack keeps (``process_plugins``)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Call:
    """One question to IAM that a call stood for.

    Attributes:
        role: the name of the role that made it.
        name: service and operation, such as ``dynamodb:TransactWriteItems``.
        action: what IAM is asked, such as ``dynamodb:PutItem``; None where nobody knows.
        resource: the ARN.
        context: the values of condition keys, in pairs.
    """

    role: str
    name: str
    action: str | None
    resource: str
    context: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CallTrail:
    """The trail of a stage."""

    file: Path

    def length(self) -> int:
        """How many bytes it has now."""
        return self.file.stat().st_size

    def calls(self, after: int = 0) -> set[Call]:
        """What was called since the trail had that many bytes; the same call twice is one."""
        with self.file.open("rb") as trail:
            trail.seek(after)
            found = trail.read()
        whole = found[: found.rfind(b"\n") + 1]  # the last line may be on its way
        return {call for line in set(whole.splitlines()) for call in _calls(json.loads(line))}


def _calls(line: dict[str, Any]) -> list[Call]:
    role, name, context = line["caller"].split("/")[1], line["call"], tuple(sorted(line["context"].items()))
    questions: list[Any] = [(None, "")] if line["questions"] is None else line["questions"]
    return [Call(role, name, action, resource, context) for action, resource in questions]
