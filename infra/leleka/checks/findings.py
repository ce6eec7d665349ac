"""Findings, and which of them stay and why."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import yaml

from leleka.paths import PROJECT

ACCEPTED = PROJECT / "infra" / "checks" / "accepted.yaml"


class CheckError(Exception):
    """A tool could not do its work; the message names the tool and has its last words."""


@dataclass(frozen=True)
class Finding:
    """What a tool complains of: under which rule, where, and in its own words."""

    tool: str
    rule: str
    where: str
    text: str


@dataclass(frozen=True)
class Answer:
    """All that one tool found. ``unasked`` says why it could not judge, or judge all, when that lies outside."""

    tool: str
    findings: tuple[Finding, ...] = ()
    unasked: str | None = None


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule that may be broken at some places (a pattern, ``*`` for any text), and the reason for it."""

    tool: str
    rule: str
    where: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether this is what was accepted."""
        same_rule = (self.tool, self.rule) == (finding.tool, finding.rule)
        return same_rule and fnmatchcase(finding.where, self.where)


@dataclass(frozen=True)
class Verdict:
    """An answer after the comparison. ``idle`` are the entries that covered nothing."""

    answer: Answer
    open: tuple[Finding, ...]
    accepted: int
    idle: tuple[Accepted, ...]

    @property
    def passed(self) -> bool:
        """Nothing is open, and no entry is left over."""
        return not self.open and not self.idle


def load_accepted(path: Path = ACCEPTED) -> list[Accepted]:
    """The file of what was accepted.

    Raises:
        CheckError: it can't be read, or an entry has no reason.
    """
    try:
        entries = msgspec.convert(yaml.safe_load(path.read_text()) or [], list[Accepted])
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise CheckError(f"{path} can't be read: {error}") from error
    for entry in entries:
        if len(entry.reason.split()) < 3:
            raise CheckError(f"{path}: {entry.tool} {entry.rule} {entry.where} has no reason")
    return entries


def judge(answer: Answer, accepted: list[Accepted]) -> Verdict:
    """Compares. Of a tool that could not judge, or judge all, no entry is idle: it may still be needed."""
    own = [entry for entry in accepted if entry.tool == answer.tool]
    still_open = tuple(found for found in answer.findings if not any(entry.covers(found) for entry in own))
    idle = tuple(entry for entry in own if not any(entry.covers(found) for found in answer.findings))
    count = len(answer.findings) - len(still_open)
    return Verdict(answer, still_open, count, () if answer.unasked else idle)
