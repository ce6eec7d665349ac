"""The folders keep their promise: who may import whom, where boto3 may stand, and that each function is complete."""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.api.models import ApiConfig
from chalicelib.baggage.models import BaggageConfig
from chalicelib.booking.models import BookingConfig
from chalicelib.flight.models import FlightConfig
from chalicelib.notification.models import NotificationConfig
from chalicelib.payment.models import PaymentConfig
from chalicelib.pricing.models import PricingConfig
from chalicelib.recovery.models import RecoveryConfig
from chalicelib.seat.models import SeatConfig

PROJECT = Path(__file__).parents[2]
LIBRARY = PROJECT / "functions" / "chalicelib"
SERVICES = {"api", "baggage", "booking", "flight", "notification", "payment", "pricing", "recovery", "seat"}
MODULES = sorted(LIBRARY.rglob("*.py"))
LAYER = {
    **dict.fromkeys(["models", "timeline", "answers"], 0),
    **dict.fromkeys(["store", "services", "sandbox", "gateway"], 1),
    **dict.fromkeys(["logic", "history", "story", "pages"], 2),
    **dict.fromkeys(["handlers", "routes"], 3),
}
SHARED_WITH_TOOLS = {"chalicelib.api.history", "chalicelib.api.timeline"}


def imports_of(module: Path) -> Iterator[str]:
    """The modules that a file imports, wherever the import stands, except for typing only."""
    tree = ast.parse(module.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def service_of(name: str) -> str | None:
    """The service that a dotted module name belongs to, or None."""
    parts = name.split(".")
    return parts[1] if parts[0] == "chalicelib" and len(parts) > 1 and parts[1] in SERVICES else None


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_a_service_imports_no_other_service(module: Path) -> None:
    """Services meet through the state machine, the broker and invocations, never through imports; and what lies
    below them imports none of them."""
    if module.name == "bootstrap.py":
        return  # the composition root knows them all
    own = module.relative_to(LIBRARY).parts[0]
    foreign = {service for name in imports_of(module) if (service := service_of(name)) and service != own}
    assert not foreign


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_boto3_stands_in_stores_only(module: Path) -> None:
    """Logic and handlers don't know AWS; clients are built in bootstrap; iam.py signs a lock server's tokens."""
    stores = {"store.py", "services.py", "dynamo.py", "remote.py", "sandbox.py", "task_replies.py"}
    allowed = {"bootstrap.py", "iam.py", *stores}
    uses = {name.split(".")[0] for name in imports_of(module)} & {"boto3", "botocore"}
    assert not uses or module.name in allowed


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_go_from_handlers_down_to_stores(module: Path) -> None:
    """handlers → logic → store → models, never back."""
    own = LAYER.get(module.stem)
    if own is None:
        return
    for name in imports_of(module):
        if service_of(name):
            stems = [part for part in name.split(".") if part in LAYER]
            assert all(LAYER[stem] <= own for stem in stems), f"{module.name} imports {name}"


def test_what_the_command_line_shares_with_the_api_needs_nothing_of_it() -> None:
    """It tells a saga with the same code as the API. Those modules import Python and each other, so the command line
    neither loads the functions' libraries nor needs their settings."""
    # What makes the API's document reads the whole API; no command does that.
    tools = [path for path in (PROJECT / "infra" / "leleka").rglob("*.py") if path.parent.name != "openapi"]
    taken = {_module(name) for tool in tools for name in imports_of(tool) if name.startswith("chalicelib")}
    assert taken == SHARED_WITH_TOOLS
    for shared in SHARED_WITH_TOOLS:
        needs = {_module(name) for name in imports_of(LIBRARY.parent / f"{shared.replace('.', '/')}.py")}
        assert {name.split(".")[0] for name in needs - SHARED_WITH_TOOLS} <= sys.stdlib_module_names


def _module(name: str) -> str:
    return ".".join(name.split(".")[:3])


@pytest.mark.parametrize(("service", "function"), [("api", "APIHandler"), ("recovery", "Reconcile")])
def test_who_asks_the_orchestrator_may_ask_what_it_asks(service: str, function: str) -> None:
    """LocalStack enforces no policy, so a missing action would show on AWS only, and as an outage."""
    code = (LIBRARY / service / "services.py").read_text()
    called = re.findall(r'_orchestrator\.(?:get_paginator\("(\w+)"|(\w+)\()', code)
    operations = {(paginated or plain).title().replace("_", "") for paginated, plain in called}
    policy = json.loads((PROJECT / "functions" / ".chalice" / "policies" / f"{function}.json").read_text())
    allowed = {action: str(each["Resource"]) for each in policy["Statement"] for action in each["Action"]}
    assert {f"states:{operation}" for operation in operations} == {name for name in allowed if "states:" in name}
    for action, resources in allowed.items():
        if action in {"states:GetExecutionHistory", "states:DescribeExecution"}:
            assert all(
                f":execution:${{AWS::StackName}}-{saga}-saga:*'" in resources for saga in ("booking", "cancellation")
            )


def test_who_keeps_a_request_may_do_what_that_takes() -> None:
    """And nothing else with these tables. A transaction needs the right to each of its entries."""
    code = (LIBRARY / "booking" / "placing_store.py").read_text()
    called = {name.title().replace("_", "") for name in re.findall(r"_client\.(\w+)\(", code)}
    entries = {f"{entry}Item" for entry in re.findall(r'{"(Put|Update)": ', code)}
    policy = json.loads((PROJECT / "functions" / ".chalice" / "policies" / "APIHandler.json").read_text())
    allowed = {action for each in policy["Statement"] for action in each["Action"] if "dynamodb:" in action}
    assert allowed == {f"dynamodb:{name}" for name in entries | (called - {"TransactWriteItems"})}


def test_every_function_has_its_own_policy_and_is_deployed_with_its_settings() -> None:
    """The registered functions, the policies of config.json and the files of policies/ are the same set."""
    from app import app  # noqa: PLC0415 - the whole Chalice project; only this test needs it

    config = json.loads((PROJECT / "functions" / ".chalice" / "config.json").read_text())["lambda_functions"]
    registered = {function.name for function in app.pure_lambda_functions}
    assert set(config) == {*registered, "api_handler"}
    named = {entry["iam_policy_file"] for entry in config.values()}
    assert len(named) == len(config)
    policies = PROJECT / "functions" / ".chalice" / "policies"
    assert named == {f"policies/{path.name}" for path in policies.iterdir()}


def test_every_setting_of_a_function_is_given_by_the_template() -> None:
    """A required environment variable that the template forgets would show only when the function runs."""
    settings_of: dict[str, tuple[Any, ...]] = {
        "APIHandler": (ApiConfig, BookingConfig),  # it keeps requests with the booking service's code
        **dict.fromkeys(["ReserveBaggage", "ReleaseBaggage"], (BaggageConfig,)),
        **dict.fromkeys(["CreateBooking", "ConfirmBooking", "CancelBooking"], (BookingConfig,)),
        **dict.fromkeys(["FlagBooking", "GetBooking", "DescribeBooking", "AwaitPaymentMethod"], (BookingConfig,)),
        **dict.fromkeys(["TakePaymentMethod", "SupplyPaymentMethod", "RequestCancellation"], (BookingConfig,)),
        "DueBookings": (BookingConfig,),
        **dict.fromkeys(["ValidateFlight", "SearchFlights"], (FlightConfig,)),
        "NotifyCustomer": (NotificationConfig, BookingConfig),  # it reads bookings with that code
        **dict.fromkeys(["CarryOutPayments", "DuePayments"], (PaymentConfig,)),
        "Reconcile": (RecoveryConfig,),
        **dict.fromkeys(["CalculatePrice", "GetFares"], (PricingConfig,)),
        **dict.fromkeys(["ReserveSeat", "RenewSeatLock", "ConfirmSeat", "ReleaseSeat", "GetSeatMap"], (SeatConfig,)),
        "DueHolds": (SeatConfig,),
    }
    resources = _template()["Resources"].items()
    functions = {name: body for name, body in resources if "Environment" in body.get("Properties", {})}
    assert set(functions) == set(settings_of)
    for name, configs in settings_of.items():
        given = set(functions[name]["Properties"]["Environment"]["Variables"])
        fields = {field: config for config in configs for field in config.__struct_fields__}
        required = {field for field, config in fields.items() if field not in _defaults(config)}
        assert {field.upper() for field in required} <= given, name
        assert given <= {field.upper() for field in fields}, name


def _defaults(config: Any) -> tuple[str, ...]:
    return config.__struct_fields__[len(config.__struct_fields__) - len(config.__struct_defaults__) :]  # type: ignore[no-any-return]


def _template() -> dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, object]]]]]]:
    class Loader(yaml.SafeLoader):
        """CloudFormation's short forms as plain nodes."""

    def plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> object:
        return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None

    Loader.add_multi_constructor("!", plain)
    text = (PROJECT / "infra" / "template.yaml").read_text()
    return yaml.load(text, Loader)  # type: ignore[no-any-return]  # noqa: S506 - a safe loader with CloudFormation's tags
