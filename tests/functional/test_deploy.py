"""Deploying and seeding again: what is there stays as it is."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from leleka import deploy, seed
from leleka.own_stage import LOCK_TIMEOUT_MS
from leleka.stage import Stage
from tests.functional.customer import FLIGHT, Customer
from tests.promises import Promises

pytestmark = pytest.mark.stack
UNCHECKED_HASH = b"\x01\0\0\0"
"""How a compiled module is marked that Python takes without a look at its source (PEP 552)."""


def test_deploying_again_changes_nothing(stage: Stage) -> None:
    """The same template and the same code are no change, and no error."""
    again = deploy.deploy(stage.aws, stage.lock_url, LockTimeoutMs=LOCK_TIMEOUT_MS)
    assert again.outputs == stage.outputs


@pytest.mark.processes
def test_the_functions_take_the_modules_that_were_packaged(
    customer: Callable[[], Customer], seat: str, promises: Promises, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After a booking there is none in their folder that a process has compiled: those are marked with a time."""
    olena = customer()
    olena.outcome(olena.book(seat)["booking_id"])
    folders = list(tmp_path_factory.getbasetemp().glob("stack*/**/process-executor/code/*"))
    marks = [{each.read_bytes()[4:8] for each in folder.rglob("*.pyc")} for folder in folders]
    assert [UNCHECKED_HASH] in [[*each] for each in marks], marks
    promises.hold()


def test_a_stage_on_aws_is_throttled(tmp_path: Path) -> None:
    """What is packaged for it bounds each method, requests for a seat more than others, and how many are worked on at a
    time. LocalStack takes it and bounds nothing."""
    packaged = deploy.package("prod")
    template = yaml.safe_load(packaged.template.read_text())
    shutil.move(packaged.code.parent, tmp_path)
    api = template["Resources"]["RestAPI"]["Properties"]

    def number(reference: dict[str, str]) -> int:
        return int(template["Parameters"][reference["Ref"]]["Default"])

    limits = {
        (each["HttpMethod"], each["ResourcePath"].replace("/~1", "/")): (
            number(each["ThrottlingRateLimit"]),
            number(each["ThrottlingBurstLimit"]),
        )
        for each in api["MethodSettings"]
    }
    assert limits == {("*", "/*"): (100, 200), ("POST", "/bookings"): (20, 40)}
    assert "post" in api["DefinitionBody"]["paths"]["/bookings"]
    handler = template["Resources"]["APIHandler"]["Properties"]
    assert number(handler["ReservedConcurrentExecutions"]) == 200


def test_functions_and_this_machine_reach_the_same_lock_server(
    customer: Callable[[], Customer], seat: str, promises: Promises
) -> None:
    """By one URL or, in Docker, by two: the lock that a function took is seen from here."""
    olena = customer()
    booking_id = olena.waiting(olena.book(seat, method=None)["booking_id"])["booking_id"]
    assert f"seat:{FLIGHT}:{seat}:lock" in promises.locks()
    olena.cancel(booking_id)
    assert olena.outcome(booking_id)["status"] == "CANCELLED"
    assert f"seat:{FLIGHT}:{seat}:lock" not in promises.locks()


def test_seeding_again_undoes_no_sale(
    stage: Stage, customer: Callable[[], Customer], seat: str, promises: Promises
) -> None:
    """A sold seat stays sold, and a taken bag stays taken."""
    olena = customer()
    assert olena.outcome(olena.book(seat)["booking_id"])["status"] == "CONFIRMED"
    assert seed.seed(stage).seats_added == 0
    assert olena.seat_status(seat) == "SOLD"
    promises.hold()
