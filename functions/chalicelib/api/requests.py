"""From raw HTTP to typed requests. What does not fit is refused here, with the field named, before anything starts."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import date

import msgspec

from chalicelib.shared.errors import InvalidRequest, Refusal

BODY_BYTES_MAX = 16_384
IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{22,128}")
_SECRET = re.compile(r"[a-z2-7]{26}")
_PATH = re.compile(r" - at `(?P<path>[^`]+)`")
_FIELD = re.compile(r"(?:unknown|required) field `(?P<name>[^`]+)`")


class BodyTooLarge(Refusal):
    """The body is larger than any booking."""


class MalformedJson(Refusal):
    """The body is no JSON."""


class MissingSecret(Refusal):
    """The request has no usable Authorization header."""


class MissingIdempotencyKey(Refusal):
    """The request has no usable Idempotency-Key header."""


def parse_body[Request](body: bytes | str, model: type[Request]) -> Request:
    """A JSON body as a typed request.

    Raises:
        BodyTooLarge, MalformedJson: it was not read.
        InvalidRequest: a field is missing, unknown, of the wrong type or out of bounds.
    """
    raw = body.encode(errors="surrogatepass") if isinstance(body, str) else body
    if len(raw) > BODY_BYTES_MAX:
        raise BodyTooLarge(f"the body has {len(raw)} bytes; {BODY_BYTES_MAX} are allowed")
    try:
        return msgspec.json.decode(raw, type=model)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedJson(f"the body is not JSON: {error}") from error


def parse_values[Request](values: Mapping[str, str], model: type[Request]) -> Request:
    """Path or query values as a typed request.

    Raises:
        InvalidRequest: a value is missing, unknown or out of bounds.
    """
    try:
        return msgspec.convert(dict(values), model)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error


def parse_date(text: str | None) -> str | None:
    """A calendar date that exists, unchanged.

    Raises:
        InvalidRequest: there is no such day.
    """
    try:
        return text and date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise InvalidRequest(f"there is no day {text}", field="$.date") from error


def booking_id_for(idempotency_key: str | None) -> str:
    """The booking id that this key stands for, the same each time; it is also the name of the saga's execution.

    Raises:
        MissingIdempotencyKey: the header is absent, too short to be unique, or not of the allowed characters.
    """
    if idempotency_key is None or not IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise MissingIdempotencyKey(
            "send an Idempotency-Key header of 22 to 128 letters, digits, '-' or '_', such as a random UUID"
        )
    return "bk-" + _derived("booking", idempotency_key)


def secret_for(idempotency_key: str) -> str:
    """The booking's secret. Derived from the key, which only the customer has, so that a repeated request whose first
    answer was lost gets the same one, although nobody stores it."""
    return _derived("secret", idempotency_key)


def bearer_secret(authorization: str | None) -> str:
    """The secret of an Authorization header.

    Raises:
        MissingSecret: there is none.
    """
    scheme, _, secret = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not _SECRET.fullmatch(secret.strip()):
        raise MissingSecret("send the secret that creating the booking returned: Authorization: Bearer <secret>")
    return secret.strip()


def _derived(purpose: str, idempotency_key: str) -> str:
    digest = hmac.digest(idempotency_key.encode(), f"leleka {purpose}".encode(), "sha256")
    return base64.b32encode(digest)[:26].decode().lower()


def fingerprint(request: msgspec.Struct) -> str:
    """The same for two requests if and only if they ask for the same, however their JSON was written."""
    return hashlib.sha256(msgspec.json.encode(request, order="deterministic")).hexdigest()


def _invalid(error: msgspec.ValidationError) -> InvalidRequest:
    text = str(error)
    path, field = _PATH.search(text), _FIELD.search(text)
    where = path["path"] if path else "$"
    if field:
        where = f"{where}.{field['name']}"
    return InvalidRequest(_PATH.sub("", text), field=where)
