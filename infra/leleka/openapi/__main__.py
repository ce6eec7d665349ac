"""Writes docs/openapi.yaml."""

import sys
from pathlib import Path
from typing import Any

import yaml

from leleka.openapi.document import document
from leleka.paths import PROJECT

FILE = PROJECT / "docs" / "openapi.yaml"
_NOTE = "# Made by `make openapi` from the API's models, errors and headers. Change those, or infra/leleka/openapi.\n"


class _Plain(yaml.SafeDumper):
    """Long text as blocks, and nothing said by reference to an earlier line."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _text)


def as_yaml() -> str:
    """The document as it is kept."""
    return _NOTE + yaml.dump(document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def main(file: Path = FILE) -> int:
    """Writes it and says so."""
    file.write_text(as_yaml())
    sys.stdout.write(f"{file.relative_to(PROJECT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
