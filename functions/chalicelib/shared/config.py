"""A function's settings: environment variables read once into a typed model, one model a service."""

import os
from collections.abc import Mapping

import msgspec


class ConfigError(Exception):
    """The function is deployed with a missing or malformed environment variable; the message names it."""


def load[Config: msgspec.Struct](model: type[Config], environment: Mapping[str, str] = os.environ) -> Config:
    """Fills ``model`` from the environment: field ``hold_ttl_s`` comes from ``HOLD_TTL_S``.

    Raises:
        ConfigError: a variable is missing or cannot be read as the field's type.
    """
    names = {field: field.upper() for field in model.__struct_fields__}
    found = {field: environment[name] for field, name in names.items() if name in environment}
    try:
        return msgspec.convert(found, model, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{model.__name__}: {error} (environment variables: {', '.join(names.values())})") from error
