"""The judge of policies, on roles that are made up: what it must notice it notices, and says who, what and where."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.least_privilege.calls import Call, CallTrail
from tests.least_privilege.excuses import Excuse
from tests.least_privilege.roles import PolicyError, Role
from tests.least_privilege.verdicts import not_allowed, not_needed, too_wide

ARN = "arn:aws:dynamodb:eu-central-1:000000000000:table"
SEATS, LEDGER = f"{ARN}/seats", f"{ARN}/ledger"
MAIL = "arn:aws:ses:eu-central-1:000000000000:identity/leleka.example"
FROM_US = {"StringEquals": {"ses:FromAddress": "bookings@leleka.example"}}


def allows(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    """A statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def role(*statements: dict[str, Any]) -> dict[str, Role]:
    """The one role of a stage with one function."""
    return {"role": Role("role", "ReserveSeat", ({"Version": "2012-10-17", "Statement": list(statements)},))}


def did(action: str | None, resource: str = SEATS, **context: str) -> Call:
    """A call of that function."""
    return Call("role", f"call of {action}", action, resource, tuple(context.items()))


PUT, GET = did("dynamodb:PutItem"), did("dynamodb:GetItem")
EXACT = role(allows(["dynamodb:PutItem", "dynamodb:GetItem"], SEATS))


def test_a_policy_that_says_what_is_done_is_right() -> None:
    """No complaint of any kind."""
    assert not_allowed({PUT, GET}, EXACT, ()) == not_needed({PUT, GET}, EXACT, ()) == too_wide(EXACT, ()) == []


def test_an_action_that_is_not_granted_is_named() -> None:
    """With its function and its resource."""
    complaints = not_allowed({PUT, did("dynamodb:DeleteItem")}, EXACT, ())
    assert complaints == [
        f"ReserveSeat called call of dynamodb:DeleteItem, and may not dynamodb:DeleteItem {SEATS}",
    ]


@pytest.mark.parametrize("table", [LEDGER, f"{SEATS}/index/due", f"{SEATS}2", SEATS.replace("eu-", "us-")])
def test_a_resource_that_is_not_granted_is_named(table: str) -> None:
    """Another table, an index of it, a longer name, another region."""
    (complaint,) = not_allowed({did("dynamodb:PutItem", table)}, EXACT, ())
    assert complaint.endswith(f"may not dynamodb:PutItem {table}")


def test_an_action_too_many_is_named() -> None:
    """Nobody ever reads."""
    assert not_needed({PUT}, EXACT, ()) == [f"ReserveSeat may dynamodb:GetItem {SEATS}, and never does"]


def test_a_resource_too_many_is_named() -> None:
    """A list of resources is judged one by one."""
    roles = role(allows("dynamodb:PutItem", [SEATS, LEDGER]))
    assert not_needed({PUT}, roles, ()) == [f"ReserveSeat may dynamodb:PutItem {LEDGER}, and never does"]


@pytest.mark.parametrize("resource", ["*", f"{ARN}/*", f"{ARN}/seat?"])
def test_a_wildcard_is_named(resource: str) -> None:
    """However little it is wider."""
    roles = role(allows("dynamodb:PutItem", resource))
    assert too_wide(roles, ()) == [f"ReserveSeat may dynamodb:PutItem {resource}, which is wider than one thing"]


def test_an_action_with_a_wildcard_is_named() -> None:
    """It would be needed by any call."""
    (complaint,) = too_wide(role(allows("dynamodb:*", SEATS)), ())
    assert complaint.startswith("ReserveSeat may dynamodb:* ")


def test_an_excuse_is_for_that_pattern_and_nothing_wider() -> None:
    """One that nothing needs is a complaint of its own."""
    excuse = Excuse("*", "dynamodb:PutItem", r"table/{owner}-\*", "its own")
    assert too_wide(role(allows("dynamodb:PutItem", f"{ARN}/ReserveSeat-*")), (excuse,)) == []
    for wider in (f"{ARN}/*", f"{ARN}/ReserveSea*", "*"):
        complaints = too_wide(role(allows("dynamodb:PutItem", wider)), (excuse,))
        assert complaints == [
            f"ReserveSeat may dynamodb:PutItem {wider}, which is wider than one thing",
            f"nothing needs the excuse * dynamodb:PutItem {excuse.resource}",
        ]


def test_a_grant_that_no_call_shows_may_be_excused() -> None:
    """By the same rules."""
    excuse = Excuse("ReserveSeat", "dynamodb:GetItem", r"table/seats", "a race")
    assert not_needed({PUT}, EXACT, (excuse,)) == []
    assert not_needed({PUT}, role(allows("dynamodb:PutItem", SEATS)), (excuse,)) == [
        "nothing needs the excuse ReserveSeat dynamodb:GetItem table/seats"
    ]


@pytest.mark.parametrize("context", [{"ses:FromAddress": "president@leleka.example"}, {}])
def test_a_call_has_to_meet_the_condition(context: dict[str, str]) -> None:
    """Another value is refused, and so is a call of which the value is not known."""
    roles = role(allows("ses:SendEmail", MAIL, Condition=FROM_US))
    us = did("ses:SendEmail", MAIL, **FROM_US["StringEquals"])
    another = did("ses:SendEmail", MAIL, **context)
    assert not_allowed({us}, roles, ()) == not_needed({us}, roles, ()) == []
    assert len(not_allowed({another}, roles, ())) == len(not_needed({another}, roles, ())) == 1


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "dynamodb:PutItem", "NotResource": SEATS},
        allows("ses:SendEmail", MAIL, Condition={"StringLike": {"ses:FromAddress": "*"}}),
    ],
)
def test_what_it_cannot_judge_it_refuses(statement: dict[str, Any]) -> None:
    """Rather than pass over it."""
    with pytest.raises(PolicyError, match="ReserveSeat"):
        too_wide(role(statement), ())


def test_a_call_that_nobody_can_name_is_a_complaint() -> None:
    """So is one by a role that the stage does not know."""
    stranger = Call("stranger", "dynamodb:PutItem", "dynamodb:PutItem", SEATS)
    assert not_allowed({did(None), stranger}, EXACT, ()) == [
        "ReserveSeat called call of None: say in authorization.py what IAM is asked",
        "dynamodb:PutItem was called by stranger, which is no role of this stage",
    ]


def test_a_trail_is_read_from_where_one_says(tmp_path: Path) -> None:
    """Each question of a call is a call of its own; half a line at the end is left for the next look."""
    trail = CallTrail(tmp_path / "trail.jsonl")
    line = {"caller": "arn:aws:sts::1:assumed-role/role/session", "call": "dynamodb:TransactWriteItems", "context": {}}
    first = {**line, "questions": [["dynamodb:PutItem", SEATS], ["dynamodb:UpdateItem", LEDGER]]}
    trail.file.write_text(json.dumps(first) + "\n")
    assert {(call.role, call.action, call.resource) for call in trail.calls()} == {
        ("role", "dynamodb:PutItem", SEATS),
        ("role", "dynamodb:UpdateItem", LEDGER),
    }
    before = trail.length()
    with trail.file.open("a") as file:
        file.write(json.dumps({**line, "questions": None}) + '\n{"caller": "arn')
    assert [call.action for call in trail.calls(before)] == [None]
