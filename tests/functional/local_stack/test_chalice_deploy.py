"""``chalice deploy --stage local`` on top of a deployed stage, as a person runs it who has changed a handler; in a copy
of the functions folder, and on a stage that no other test uses."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from leleka import chalice_deploys, deploy
from leleka.own_stage import LOCK_TIMEOUT_MS, own_stage
from leleka.stage import Stage
from tests.functional.customer import Customer, execution
from tests.promises import Promises

pytestmark = pytest.mark.stack

_CHALICE_S = 240
_NEW = """
@blueprint.route("/greeting", methods=["GET"])
def greeting() -> Response:
    return _json({"hello": 1})


@blueprint.lambda_function(name="Greet")
def greet(_event: object, _context: object) -> str:
    return ""
"""
_FLIGHTS = '@blueprint.route("/flights", methods=["GET"])'
_CHANGES = {
    "seat/refusals.py": ("is taken; nothing was held", "is taken, as the changed code says; nothing was held"),
    "pricing/logic.py": ("amount_minor=seat_minor + bags_minor", "amount_minor=seat_minor + bags_minor + 1"),
    "api/routes.py": (_FLIGHTS, f"{_NEW}\n\n{_FLIGHTS}"),
}
"""In two steps of the saga: the text of a refusal, and a price. In the API: a route and a function that are new."""


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stack of these tests keeps what it is."""
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="module")
def stage(state_dir: Path) -> Iterator[Stage]:
    """Instead of the stage that all tests share."""
    with own_stage(state_dir) as stage:
        yield stage


@pytest.fixture(scope="module")
def before(stage: Stage) -> dict[str, Any]:
    """The functions as CloudFormation made them, by name; one booking has gone through them."""
    olena = Customer(stage)
    assert olena.outcome(olena.book("20A")["booking_id"])["status"] == "CONFIRMED"
    olena.close()
    return functions_of(stage)


@pytest.fixture(scope="module")
def changed(stage: Stage, state_dir: Path, before: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The changed copy of the functions folder, after ``chalice deploy``."""
    assert before
    copy = tmp_path_factory.mktemp("project") / "functions"
    left_out = shutil.ignore_patterns("deployed", "__pycache__")
    shutil.copytree(chalice_deploys.FUNCTIONS, copy, ignore=left_out)
    for name, (old, new) in _CHANGES.items():
        file = copy / "chalicelib" / name
        assert file.read_text().count(old) == 1
        file.write_text(file.read_text().replace(old, new))
    chalice_deploys.record(stage, copy)
    chalice_deploy(copy, state_dir)
    return copy


def chalice_deploy(functions: Path, state_dir: Path) -> None:
    """What a person types, in a shell that knows of no AWS yet but has settings of its own that lead elsewhere."""
    leleka = Path(sys.executable).with_name("leleka")
    typed = f'eval "$({leleka} env)" && cd {functions} && chalice deploy --stage local'
    own = {"PATH": os.defpath, "HOME": str(functions.parent), "AWS_PROFILE": "company", "AWS_REGION": "eu-west-1"}
    # Compiled modules beside the checkout's sources would become a part of the next package.
    told = {**own, "LELEKA_STATE_DIR": str(state_dir), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(  # noqa: S603 - our own command line
        ["/bin/bash", "-c", typed], env=told, capture_output=True, text=True, timeout=_CHALICE_S, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def functions_of(stage: Stage) -> dict[str, Any]:
    """Every function's configuration, by name."""
    pages = stage.aws.client("lambda").get_paginator("list_functions").paginate()
    return {function["FunctionName"]: function for page in pages for function in page["Functions"]}


def refusal_of(stage: Stage, customer: Customer, seat: str) -> str:
    """What the saga says to one who wants a sold seat."""
    booking_id = customer.book(seat)["booking_id"]
    assert customer.outcome(booking_id)["status"] == "CANCELLED"
    return str(execution(stage, booking_id)["cause"])


def test_changed_code_runs_in_the_saga_and_in_the_api(stage: Stage, changed: Path) -> None:
    """The step's new refusal, the new price, and the new route of the same REST API at the same address."""
    assert changed.exists()
    olena = Customer(stage)
    booking = olena.outcome(olena.book("20B", bags=0)["booking_id"])
    assert (booking["status"], booking["amount_minor"] % 10) == ("CONFIRMED", 1)
    assert "as the changed code says" in refusal_of(stage, olena, "20B")
    assert olena.get("/greeting").json() == {"hello": 1}
    assert httpx.get(stage.page_url, timeout=60).status_code == 200
    assert len(stage.aws.client("apigateway").get_rest_apis()["items"]) == 1
    olena.close()


def test_everything_else_stays_as_it_was(stage: Stage, changed: Path, before: dict[str, Any]) -> None:
    """What the functions are told, and with it the tables and the lock; a declined card is rolled back."""
    assert changed.exists()
    after = functions_of(stage)
    assert after.keys() - before.keys() == {"leleka-local-Greet"}
    for name, function in before.items():
        assert function["Environment"]["Variables"]
        assert after[name]["CodeSha256"] != function["CodeSha256"]
        for told in ("Environment", "Timeout", "MemorySize", "Handler"):
            assert after[name][told] == function[told], name
    olena = Customer(stage)
    booking_id = olena.book("20C", "pm_declined")["booking_id"]
    assert olena.outcome(booking_id)["status"] == "CANCELLED"
    assert olena.seat_status("20C") == "AVAILABLE"
    olena.close()
    Promises(stage).hold()


def test_the_next_deployment_takes_it_all_back(stage: Stage, changed: Path, before: dict[str, Any]) -> None:
    """The checkout's code runs again although CloudFormation knows it already; the route and the function that Chalice
    made are gone."""
    assert changed.exists()
    deploy.deploy(stage.aws, stage.lock_url, LockTimeoutMs=LOCK_TIMEOUT_MS)
    after = functions_of(stage)
    assert after.keys() == before.keys()
    for name, function in before.items():
        for told in ("CodeSha256", "Role", "Environment"):
            assert after[name][told] == function[told], name
    olena = Customer(stage)
    booking = olena.outcome(olena.book("20D", bags=0)["booking_id"])
    assert (booking["status"], booking["amount_minor"] % 10) == ("CONFIRMED", 0)
    assert "as the changed code says" not in refusal_of(stage, olena, "20D")
    assert olena.get("/greeting").status_code == 404
    olena.close()
    Promises(stage).hold()
