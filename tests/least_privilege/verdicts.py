"""What is wrong between calls and roles: sentences that name who, what and on which ARN."""

from collections.abc import Iterable, Mapping

from tests.least_privilege.calls import Call
from tests.least_privilege.excuses import PROVOKED, UNSEEN, WIDE, Excuse
from tests.least_privilege.roles import Grant, Role


def not_allowed(calls: Iterable[Call], roles: Mapping[str, Role], excuses: tuple[Excuse, ...] = PROVOKED) -> list[str]:
    """Calls that IAM would refuse."""
    complaints = []
    grants = {name: list(role.grants()) for name, role in roles.items()}
    for call in calls:
        if call.role not in roles:
            complaints.append(f"{call.name} was called by {call.role}, which is no role of this stage")
        elif call.action is None:
            complaints.append(f"{roles[call.role].owner} called {call.name}: say in authorization.py what IAM is asked")
        elif not _allowed(call, grants[call.role]) and not _excused(excuses, roles[call.role].owner, call):
            complaints.append(f"{roles[call.role].owner} called {call.name}, and may not {call.action} {call.resource}")
    return sorted(complaints)


def not_needed(calls: Iterable[Call], roles: Mapping[str, Role], excuses: tuple[Excuse, ...] = UNSEEN) -> list[str]:
    """Grants that none of the calls needs, and excuses for such grants that nobody has."""
    known, complaints, used = set(calls), [], set()
    for name, role in roles.items():
        its_calls = [call for call in known if call.role == name]
        for grant in role.grants():
            excused = {excuse for excuse in excuses if excuse.covers(grant.owner, grant.action, grant.resource)}
            used |= excused
            if not excused and not any(_needs(call, grant) for call in its_calls):
                complaints.append(f"{grant.owner} may {grant.action} {grant.resource}, and never does")
    return sorted([*complaints, *_idle(excuses, used)])


def too_wide(roles: Mapping[str, Role], excuses: tuple[Excuse, ...] = WIDE) -> list[str]:
    """Grants with a wildcard that nobody has justified, and justifications that no grant needs."""
    complaints, used = [], set()
    for grant in (grant for role in roles.values() for grant in role.grants()):
        if not set("*?") & set(grant.action + grant.resource):
            continue
        excused = {excuse for excuse in excuses if excuse.covers(grant.owner, grant.action, grant.resource)}
        used |= excused
        if not excused:
            complaints.append(f"{grant.owner} may {grant.action} {grant.resource}, which is wider than one thing")
    return sorted([*complaints, *_idle(excuses, used)])


def _allowed(call: Call, grants: list[Grant]) -> bool:
    return any(_needs(call, grant) for grant in grants)


def _needs(call: Call, grant: Grant) -> bool:
    return call.action is not None and grant.covers(call.action, call.resource, dict(call.context))


def _excused(excuses: tuple[Excuse, ...], owner: str, call: Call) -> bool:
    return any(excuse.covers(owner, call.action or "", call.resource) for excuse in excuses)


def _idle(excuses: tuple[Excuse, ...], used: set[Excuse]) -> list[str]:
    return [f"nothing needs the excuse {each.owner} {each.action} {each.resource}" for each in set(excuses) - used]
