"""The document as a whole."""

from typing import Any

from chalicelib.api import pages
from chalicelib.api.requests import BODY_BYTES_MAX, IDEMPOTENCY_KEY
from leleka.openapi import responses, schemas
from leleka.openapi.operations import OPERATIONS, PAGE_FILE_ERRORS, Operation

_ABOUT = f"""Air tickets, booked as a saga.

**Errors** are problem documents (RFC 9457): `type` is for programs, `detail` for people, `errors` names a wrong field.
A path that the API does not have is a 404 `route-not-found`; a method that a path does not have is a 405 with `Allow`
(components/responses/MethodNotAllowed). Bodies are JSON of at most {BODY_BYTES_MAX} bytes.

**Asking again** is safe for every operation: after a 429 or 503 when `Retry-After` is over, after any other 5xx or no
answer at once. A booking carries its `Idempotency-Key`; a payment or a cancellation that was asked for twice is one.

**Throttling** applies to every operation (429).
"""
_TEXT = {"type": "string"}


def document() -> dict[str, Any]:
    """The OpenAPI document, ready to be written as YAML."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Leleka",
            "version": "0.1.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com/api",
                "description": "A stage; `leleka status` tells its address.",
                "variables": {"api": {"default": "api-id"}, "region": {"default": "eu-central-1"}},
            }
        ],
        "paths": {**paths, **_page()},
        "components": {
            "schemas": schemas.components(),
            "headers": responses.common_headers(),
            "responses": responses.common_responses(),
            "securitySchemes": {
                "bookingSecret": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The `secret` that creating the booking returned.",
                }
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description,
        "security": [{"bookingSecret": []}] if operation.secret else [],
        "parameters": [_value(name, operation.path) for name in operation.values],
    }
    if operation.keyed:
        told["parameters"].append(_idempotency_key())
    if operation.body:
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas.ref(operation.body)}},
        }
    where = {"Location": responses.header("Where the booking is, relative to this address.")} if operation.keyed else {}
    success = {
        "description": "Begun." if operation.status == 202 else "Here it is.",
        "content": {"application/json": {"schema": schemas.ref(operation.answer)}},
    }
    told["responses"] = {
        str(operation.status): responses.with_headers(success, **where),
        **responses.problem_responses(operation.errors),
    }
    return told


def _value(name: str, path: str) -> dict[str, Any]:
    schema, required = schemas.values()[name]
    return {"name": name, "in": "path" if f"{{{name}}}" in path else "query", "required": required, "schema": schema}


def _idempotency_key() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Stands for this booking; as unguessable as a random UUID, since the secret is derived from it.",
        "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
    }


def _page() -> dict[str, Any]:
    own = {
        name.replace("-", "_"): responses.header("Of the page.", {"type": "string", "const": value})
        for name, value in pages.PAGE_HEADERS.items()
        if name != "Content-Type"
    }
    index = responses.with_headers({"description": "The page.", "content": {"text/html": {"schema": _TEXT}}}, **own)
    elsewhere = responses.with_headers(
        {"description": "The address without its slash at the end."}, Location=responses.header("The one with it.")
    )
    kept = {"type": "string", "enum": ["public, max-age=31536000, immutable", "no-cache"]}
    file = responses.with_headers(
        {
            "description": "The file.",
            "content": {kind: {"schema": _TEXT} for kind in ("text/css", "text/javascript", "image/svg+xml")},
        },
        Cache_Control=responses.header("For good under the current version, not under another.", kept),
    )
    return {
        "/": {
            "get": {
                "operationId": "getPage",
                "summary": "The customer's page",
                "security": [],
                "responses": {"200": index, "307": elsewhere, **responses.problem_responses(())},
            }
        },
        "/web/{version}/{name}": {
            "get": {
                "operationId": "getPageFile",
                "summary": "A file of the customer's page",
                "security": [],
                "parameters": [
                    {"name": name, "in": "path", "required": True, "schema": _TEXT} for name in ("version", "name")
                ],
                "responses": {"200": file, **responses.problem_responses(PAGE_FILE_ERRORS)},
            }
        },
    }
