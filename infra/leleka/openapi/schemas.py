"""Schemas from the API's msgspec models, as OpenAPI 3.1 wants them."""

from typing import Any

import msgspec

from chalicelib.api import answers
from chalicelib.api.models import BookingPath, BookingRequest, FlightPath, FlightSearch, PaymentRequest

type Schema = dict[str, Any]

_SHOWN = (
    *(answers.FlightList, answers.SeatMap, answers.Story, answers.Booking, answers.PlacedBooking, answers.Problem),
    *(BookingRequest, PaymentRequest),
)
_VALUES = (FlightSearch, FlightPath, BookingPath)
_REF = "#/components/schemas/"


def components() -> dict[str, Schema]:
    """Every schema that a request or an answer has, by name."""
    _, found = msgspec.json.schema_components(_SHOWN, ref_template=_REF + "{name}")
    return {name: _translated(found[name]) for name in sorted(found)}


def ref(model: type[msgspec.Struct]) -> Schema:
    """A reference to the schema of a model."""
    return {"$ref": _REF + model.__name__}


def values() -> dict[str, tuple[Schema, bool]]:
    """Schemas of the path and query values by their name in the request, and whether they must be there."""
    _, found = msgspec.json.schema_components(_VALUES, ref_template=_REF + "{name}")
    told: dict[str, tuple[Schema, bool]] = {}
    for model in found.values():
        for name, schema in model["properties"].items():
            required = name in model.get("required", [])
            told[name] = (_without_null(_translated(schema)), required)
    return told


def pattern(python: str) -> str:
    r"""A regular expression as JSON Schema has it: its ``$`` is Python's ``\Z``."""
    return python.replace(r"\Z", "$")


def _translated(node: Any) -> Any:
    if isinstance(node, list):
        return [_translated(each) for each in node]
    if not isinstance(node, dict):
        return node
    translated = {name: _translated(each) for name, each in node.items()}
    if isinstance(translated.get("pattern"), str):
        translated["pattern"] = pattern(translated["pattern"])
    if isinstance(translated.get("description"), str):
        translated["description"] = prose(translated["description"])
    if "enum" in translated and "type" not in translated:
        translated = {"type": "string", **translated}
    return translated


def prose(docstring: str) -> str:
    """A docstring as Markdown in one paragraph."""
    return " ".join(docstring.split()).replace("``", "`")


def _without_null(schema: Schema) -> Schema:
    """A query value that is not there is left out; there is no null in an address."""
    kinds = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema
