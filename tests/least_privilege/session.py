"""The check at the end of a test session."""

import httpx

from leleka.stage import Stage, stack_name
from tests.least_privilege.calls import CallTrail
from tests.least_privilege.excuses import PROVOKED, WITH_STRIPE
from tests.least_privilege.roles import roles_of
from tests.least_privilege.verdicts import not_allowed


def require_allowed(stage: Stage, trail: CallTrail) -> None:
    """Passes if IAM would have allowed every call of the session. One call is made here, so that a trail that nobody
    keeps is not taken for one without complaints."""
    before = trail.length()
    httpx.get(f"{stage.api_url}/flights/KBP-BCN-0615/seats", timeout=60).raise_for_status()
    roles = roles_of(stage)
    known = {(roles[call.role].owner, call.action) for call in trail.calls(before) if call.role in roles}
    assert ("GetFares", "dynamodb:Query") in known, f"the trail {trail.file} does not tell what functions do: {known}"
    own = f"{stack_name(stage.name)}-"
    # A test has a stage beside this one for a while, whose roles are gone by now.
    calls = [call for call in trail.calls() if call.role.startswith(own) or not call.role.startswith("leleka-")]
    complaints = not_allowed(calls, roles, PROVOKED + WITH_STRIPE)
    assert not complaints, "calls of this session that IAM would refuse:\n" + "\n".join(complaints)
