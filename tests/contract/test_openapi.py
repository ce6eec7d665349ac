"""The API's document, its routes, its models, its errors and the template say the same."""

import importlib
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from app import app
from chalicelib.api import answers, headers, problems
from chalicelib.api.story import Kind
from chalicelib.booking.models import Booking, BookingStatus
from chalicelib.flight.models import Flight
from chalicelib.pricing.models import Fare
from chalicelib.seat.models import SeatStatus, SeatView
from chalicelib.shared.errors import LelekaError
from leleka.openapi import __main__ as openapi
from leleka.openapi.operations import OPERATIONS, PAGE_FILE_ERRORS

PROJECT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = yaml.safe_load(openapi.FILE.read_text())
TEMPLATE = PROJECT / "infra" / "template.yaml"


class Strict(yaml.SafeLoader):
    """Reads CloudFormation's tags as what they hold, and a key that stands twice as an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Of two equal keys YAML keeps the last, and nobody is told."""
        names = [key.value for key, _ in node.value if key.value != "<<"]
        twice = {name for name in names if names.count(name) > 1}
        assert not twice, f"{sorted(twice)} stands twice, near {node.start_mark}"
        return super().construct_mapping(node, deep)


def _held(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else None


Strict.add_multi_constructor("!", _held)


def definition() -> dict[str, Any]:
    """What the template adds to the API that Chalice defines."""
    resources = yaml.load(TEMPLATE.read_text(), Strict)["Resources"]  # noqa: S506 - a SafeLoader
    body: dict[str, Any] = resources["RestAPI"]["Properties"]["DefinitionBody"]
    return body


def test_the_document_is_made_from_the_code_as_it_is() -> None:
    """After a change of a model, an error or a header: make openapi."""
    assert openapi.FILE.read_text() == openapi.as_yaml()


def test_the_document_has_every_route_and_no_other() -> None:
    """Each method of each path."""
    routes = {(path, method.lower()) for path, methods in app.routes.items() for method in methods}
    assert {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods} == routes


def test_every_error_that_has_a_status_is_told_of_somewhere() -> None:
    """An error of problems.py that no operation names would be an undocumented answer."""
    told = {error for operation in OPERATIONS for error in operation.errors} | set(PAGE_FILE_ERRORS)
    assert set(problems.STATUS) <= told


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_each_answer_names_its_problems_by_type(operation: Any) -> None:
    """Under the status that the API gives that error."""
    answers_of = DOCUMENT["paths"][operation.path][operation.method]["responses"]
    for error in operation.errors:
        content = answers_of[str(int(problems.status_of(error)))]["content"]["application/problem+json"]
        assert problems.type_of(error.__name__) in content["schema"]["properties"]["type"]["enum"]


def test_patterns_are_those_of_javascript() -> None:
    r"""JSON Schema knows no ``\Z``, and would take it for a letter."""
    assert "\\Z" not in openapi.FILE.read_text()


def test_the_answers_have_the_words_of_the_services() -> None:
    """No service is imported by the API, so its lists of words are its own; a new status must be shown, too."""
    assert set(get_args(answers.BookingStatus.__value__)) == set(BookingStatus)
    assert set(get_args(answers.SeatStatus.__value__)) == set(SeatStatus)
    assert set(get_args(answers.ExecutionKind.__value__)) == set(Kind)


def test_the_answers_have_the_fields_of_the_services() -> None:
    """A field that a service adds is shown only when somebody has decided so."""
    instants = {"created_at_s": "created_at", "hold_expires_at_s": "hold_expires_at"}
    booking = {instants.get(name, name) for name in Booking.__struct_fields__} - {"lock_id"}
    assert booking == set(answers.Booking.__struct_fields__)
    flight = {re.sub("_at_s$", "_at", name) for name in Flight.__struct_fields__}
    assert flight == set(answers.Flight.__struct_fields__)
    assert {*SeatView.__struct_fields__, "price_minor", "currency"} == set(answers.Seat.__struct_fields__)
    assert set(Fare.__struct_fields__) - {"flight_id"} == set(answers.Fare.__struct_fields__)


def test_api_gateway_gives_other_methods_of_each_path_to_the_function() -> None:
    """Chalice defines the methods that there are; a path without this would answer 404 to the others, not 405."""
    assert set(definition()["paths"]) == set(app.routes)


def test_api_gateway_answers_with_the_headers_of_the_api() -> None:
    """Every kind of its own answers, and as a problem document whose type the document knows."""
    told = re.findall(r"urn:leleka:problem:[a-z-]+", openapi.FILE.read_text())
    for kind, response in definition()["x-amazon-apigateway-gateway-responses"].items():
        given = {
            name.removeprefix("gatewayresponse.header."): value[1:-1]
            for name, value in response["responseParameters"].items()
        }
        assert {**headers.ALWAYS, "Content-Type": "application/problem+json"}.items() <= given.items(), kind
        assert ("Retry-After" in given) == (response.get("statusCode") == 429)
        problem = yaml.safe_load(response["responseTemplates"]["application/json"])
        assert problem.get("status") == response.get("statusCode")
        assert problem["title"]
        assert problem["detail"]
        assert problem["type"] in told or kind == "DEFAULT_4XX"


def test_no_error_of_the_api_is_without_a_place_in_the_document() -> None:
    """Errors that the API's own modules define are answers; a new one needs a status and an operation."""
    modules = [importlib.import_module(f"chalicelib.api.{name}") for name in ("requests", "pages")]
    own = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, LelekaError) and value.__module__ == module.__name__
    }
    assert own <= set(problems.STATUS)
