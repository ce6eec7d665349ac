"""Deploying and seeding again: what is there stays as it is."""

from collections.abc import Callable

import pytest

from leleka import deploy, seed
from leleka.own_stage import LOCK_TIMEOUT_MS
from leleka.stage import Stage
from tests.functional.customer import Customer
from tests.promises import Promises

pytestmark = pytest.mark.stack


def test_deploying_again_changes_nothing(stage: Stage) -> None:
    """The same template and the same code are no change, and no error."""
    again = deploy.deploy(stage.aws, stage.lock_url, LockTimeoutMs=LOCK_TIMEOUT_MS)
    assert again.outputs == stage.outputs


def test_seeding_again_undoes_no_sale(
    stage: Stage, customer: Callable[[], Customer], seat: str, promises: Promises
) -> None:
    """A sold seat stays sold, and a taken bag stays taken."""
    olena = customer()
    assert olena.outcome(olena.book(seat)["booking_id"])["status"] == "CONFIRMED"
    assert seed.seed(stage).seats_added == 0
    assert olena.seat_status(seat) == "SOLD"
    promises.hold()
