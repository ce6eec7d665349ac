"""Answers in the document: their headers, and problems by status."""

from collections import defaultdict
from http import HTTPStatus
from typing import Any

from chalicelib.api import answers, headers, problems
from chalicelib.shared.errors import LelekaError
from leleka.openapi.schemas import Schema, prose, ref

type Response = dict[str, Any]

_GATEWAY: dict[HTTPStatus, dict[str, str]] = {
    HTTPStatus.BAD_REQUEST: {"request-refused": "API Gateway could not read the request."},
    HTTPStatus.FORBIDDEN: {"forbidden": "The request was turned away before the API saw it."},
    HTTPStatus.NOT_FOUND: {"route-not-found": "The API has no such path."},
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: {"body-too-large": "The body is larger than any request."},
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: {"unsupported-media-type": "The body is not application/json."},
    HTTPStatus.TOO_MANY_REQUESTS: {"too-many-requests": "Too many requests at the moment; nothing was done."},
    HTTPStatus.INTERNAL_SERVER_ERROR: {"internal-error": "The request failed; whether it took effect is not known."},
    HTTPStatus.BAD_GATEWAY: {"internal-error": "The function broke; whether the request took effect is not known."},
    HTTPStatus.GATEWAY_TIMEOUT: {"gateway-timeout": "No answer in time; whether it took effect is not known."},
}
"""What any request may get: from API Gateway, or from the API before a route is reached."""

_METHOD = {"method-not-allowed-error": "The path has no such method; `Allow` names those that it has."}
_ASK_AGAIN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


def header(description: str, schema: Schema | None = None) -> dict[str, Any]:
    """A header that is always there."""
    return {"description": description, "required": True, "schema": schema or {"type": "string"}}


def common_headers() -> dict[str, Any]:
    """The headers of every answer, as components."""
    return {name: header("On every answer.", {"type": "string", "const": value}) for name, value in _ALWAYS.items()}


_ALWAYS = dict(sorted(headers.ALWAYS.items()))


def with_headers(response: Response, **own: dict[str, Any]) -> Response:
    """The response with the common headers and its own, which go before; ``_`` stands for ``-`` in their names."""
    named = {name.replace("_", "-"): each for name, each in own.items()}
    common = {name: {"$ref": f"#/components/headers/{name}"} for name in _ALWAYS if name not in named}
    description = {"description": response["description"]}
    return {**description, "headers": {**named, **common}, **response}


def problem_responses(errors: tuple[type[LelekaError], ...]) -> dict[str, Response]:
    """By status: what this operation refuses for, together with what any request may get."""
    told: dict[HTTPStatus, dict[str, str]] = defaultdict(dict)
    for error in errors:
        told[problems.status_of(error)][_short(error)] = prose(error.__doc__ or "")
    return {
        str(int(status)): _problem(status, {**told[status], **_GATEWAY.get(status, {})})
        if status in told
        else {"$ref": f"#/components/responses/{_name(status)}"}
        for status in sorted({*told, *_GATEWAY})
    }


def common_responses() -> dict[str, Response]:
    """What any request may get, as components; ``MethodNotAllowed`` is for methods that a path does not have."""
    responses = {_name(status): _problem(status, kinds) for status, kinds in _GATEWAY.items()}
    return {**responses, "MethodNotAllowed": _problem(HTTPStatus.METHOD_NOT_ALLOWED, _METHOD)}


def _problem(status: HTTPStatus, kinds: dict[str, str]) -> Response:
    own: dict[str, dict[str, Any]] = {}
    if status in _ASK_AGAIN:
        own["Retry_After"] = header("After how many seconds to ask again.", {"type": "string", "pattern": "^[0-9]+$"})
    if status is HTTPStatus.UNAUTHORIZED:
        own["WWW_Authenticate"] = header("How to come back: `Bearer`.")
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        own["Allow"] = header("The methods of this path.")
    types = [problems.type_of(kind) for kind in kinds]
    schema = {"allOf": [ref(answers.Problem)], "properties": {"type": {"enum": types}}}
    description = "\n".join(f"- `{kind}`: {text}" for kind, text in kinds.items())
    content = {"application/problem+json": {"schema": schema}}
    return with_headers({"description": description, "content": content}, **own)


def _short(error: type[LelekaError]) -> str:
    return problems.type_of(error.__name__).rpartition(":")[2]


def _name(status: HTTPStatus) -> str:
    return "".join(word for word in status.phrase.title() if word.isalpha())
