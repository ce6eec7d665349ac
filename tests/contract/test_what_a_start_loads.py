"""No function loads what it does not use: each is started as on Lambda, from the zip, and invoked once."""

import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.benchmarks.performance.cases import Case, cases
from tests.benchmarks.performance.environments import environment, lock_told, run
from tests.benchmarks.performance.packaged import functions_and_code
from tests.benchmarks.performance.stub import stubs

ALWAYS = {
    "awslambdaric",  # the runtime itself, with what it is compiled to
    "runtime_client",
    "aws_lambda_powertools",
    "botocore",
    "certifi",  # botocore asks it for the authorities' file
    "chalice",
    "dateutil",  # botocore's
    "jmespath",  # botocore's
    "msgspec",
    "simplejson",  # the runtime's
    "six",  # dateutil's
    "typing_extensions",  # Powertools' and msgspec's
    "urllib3",  # botocore's
}
"""The packages of others that every function loads."""

STRIPE = {"charset_normalizer", "cython_runtime", "idna", "requests", "stripe"}
"""What its SDK loads besides; one of them is compiled."""

ELSEWHERE = {"redlock", "redlock_node", "watchdog"}
"""Modules of the lock that only those have who name several nodes, or work inside one process."""

CASES = cases()


WITH_BOOKINGS = {"APIHandler, a booking", "NotifyCustomer"}
"""Who carries out a step of the booking service itself (docs/adr/0015)."""


class Start(NamedTuple):
    """The service that a function is of, and the modules that it has loaded after its first invocation."""

    service: str
    modules: set[str]


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Start]:
    """What each case's start came to, by its name."""
    folder: Path = tmp_path_factory.mktemp("starts")
    functions, code = functions_and_code(folder)
    with stubs() as servers, ThreadPoolExecutor(2) as pool:

        def start(case: Case) -> Start:
            function = functions[case.function]
            event = folder / f"{CASES.index(case)}.json"
            event.write_text(json.dumps(case.event))
            lock = lock_told(function, servers, own_cache=case.own_cache)
            told = {**function.environment, **lock, **case.environment}
            variables = environment(code.folder, servers, told)
            modules = run("first_invocation", [function.handler, str(event)], variables)["modules"]
            own_path = function.handler.split(".")
            return Start("api" if own_path[0] == "app" else own_path[1], set(modules))

        return dict(zip([case.name for case in CASES], pool.map(start, CASES), strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_function_loads_its_own_service_and_what_services_share(case: Case, starts: Mapping[str, Start]) -> None:
    """No other service; the lock where seats are locked; of the lock nothing that its server does not need."""
    service, modules = starts[case.name]
    ours = {name for name in modules if name.startswith("chalicelib.")}
    locks = {"locking"} if service == "seat" else set()
    bookings = {"booking"} if case.name in WITH_BOOKINGS else set()
    assert {name.split(".")[1] for name in ours} == {"bootstrap", "shared", service} | locks | bookings
    assert not {name for name in ours if name.rpartition(".")[2] in ELSEWHERE}
    gateways = {name.rpartition(".")[2] for name in ours} & {"sandbox", "stripe_gateway"}
    assert gateways == ({"stripe_gateway" if "Stripe" in case.name else "sandbox"} if case.pays else set())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_function_loads_no_package_that_it_does_not_use(case: Case, starts: Mapping[str, Start]) -> None:
    """No boto3, no redis-py, no tracer where nothing is traced, Stripe's SDK where Stripe is paid with."""
    modules = starts[case.name].modules
    packages = {name.partition(".")[0] for name in modules}
    others = {name for name in packages if name not in sys.stdlib_module_names and not name.startswith("_")}
    expected = ALWAYS | (STRIPE if "Stripe" in case.name else set())
    assert others - {"app", "chalicelib", "tests"} == expected
    assert not {name for name in modules if name.startswith(("chalice.cli", "chalice.deploy"))}
