"""Each function and each state machine may do what it does, and nothing else."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from leleka.stage import Stage
from tests.functional.security.conftest import Played
from tests.functional.security.passenger import STRIPE_KEY
from tests.functional.test_stuck import Breakable
from tests.least_privilege.calls import CallTrail
from tests.least_privilege.definitions import calls_of_definitions
from tests.least_privilege.excuses import LOCAL_LOGS
from tests.least_privilege.files import policy_of
from tests.least_privilege.roles import Role, roles_of
from tests.least_privilege.verdicts import not_allowed, not_needed, too_wide

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]  # the first one plays all scenes


@pytest.fixture(scope="module")
def roles(stage: Stage) -> dict[str, Role]:
    """Who may do what."""
    return roles_of(stage)


def test_every_call_is_allowed(stage: Stage, played: Played, roles: dict[str, Role]) -> None:
    """Those that were made, and those that stand in the state machines."""
    complaints = not_allowed(played.calls | calls_of_definitions(stage), roles)
    assert not complaints, "\n".join(complaints)


def test_everything_that_is_granted_is_needed(stage: Stage, played: Played, roles: dict[str, Role]) -> None:
    """Action by action and resource by resource."""
    complaints = not_needed(played.calls | calls_of_definitions(stage), roles)
    assert not complaints, "\n".join(complaints)


def test_nothing_is_granted_by_a_wildcard_that_could_be_named(roles: dict[str, Role]) -> None:
    """What can't be named is listed with its reason."""
    complaints = too_wide(roles)
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def payments_by_stripe(stage: Stage) -> Iterator[Breakable]:
    """The payment function as a stage with Stripe has it; the key is a made-up one, and Stripe can't be reached."""
    ssm, parameter = stage.aws.client("ssm"), "/leleka/stripe-secret-key"
    ssm.put_parameter(Name=parameter, Value=STRIPE_KEY, Type="SecureString")
    function = Breakable(stage, "CarryOutPayments")
    function.set(PAYMENT_GATEWAY="stripe", HTTPS_PROXY="http://127.0.0.1:1")
    yield function
    function.set()
    ssm.delete_parameter(Name=parameter)


def test_with_stripe_the_payment_function_has_stripes_rights_instead_of_the_sandboxes(
    stage: Stage, played: Played, roles: dict[str, Role], call_trail: CallTrail, payments_by_stripe: Breakable
) -> None:
    """A charge and a refund of a booking that was refused; neither gets an answer from Stripe. The policy is read from
    its file, as CloudFormation does: for the sandbox that gives what was deployed."""
    (role,) = (role for role in roles.values() if role.owner == "CarryOutPayments")
    deployed, instead = (policy_of(stage, role.owner, PaysWithStripe=stripe) for stripe in (False, True))
    assert deployed in role.documents
    documents = tuple(instead if each == deployed else each for each in role.documents)
    with_stripe = {**roles, role.name: replace(role, documents=documents)}

    before, booking_id = call_trail.length(), played.bookings["refused"]
    refund = {"command": "RefundPayment", "task_token": "gone", "booking_id": booking_id}
    price = {"amount_minor": 7990, "currency": "EUR", "payment_method": "pm_card_visa"}
    for command in ({**refund, "command": "ProcessPayment", **price}, refund):
        batch = [{"messageId": "1", "body": json.dumps(command)}]
        assert payments_by_stripe.call(Records=batch) == {"batchItemFailures": []}

    calls = call_trail.calls(before)
    complaints = not_allowed(calls, with_stripe, excuses=LOCAL_LOGS)
    complaints += not_needed(calls | played.calls | calls_of_definitions(stage), with_stripe)
    assert not complaints, "\n".join(complaints)
