"""A PlantUML document rendered as SVG, the same on every machine that has the same PlantUML and fonts."""

import hashlib
import re
import shutil
import subprocess

from leleka.diagram.model import DiagramError

_TIMEOUT_S = 120
_INSTALL = (
    "Debian and Ubuntu: apt-get install plantuml; macOS: brew install plantuml; others: https://plantuml.com/starting"
)
_SAYINGS = re.compile(r"<!--.*?-->|<\?plantuml.*?\?>", re.DOTALL)
_FONT = 'font-family="DejaVu Sans'
_ROOT = re.compile(r"<svg\b[^>]*>")


def require_plantuml() -> str:
    """Where the program is.

    Raises:
        DiagramError: it is not installed; the message says how to get it.
    """
    program = shutil.which("plantuml")
    if program is None:
        raise DiagramError(f"rendering needs the program plantuml. {_INSTALL}")
    return program


def svg(puml: str) -> str:
    """The picture, on a white ground, with the mark of the document that it was rendered from.

    Raises:
        DiagramError: PlantUML is not installed, or did not accept the document.
    """
    command = [require_plantuml(), "-tsvg", "-pipe", "-charset", "UTF-8"]
    try:
        done = subprocess.run(  # noqa: S603 - the program is the one of PATH, the document goes in by its standard input
            command, input=puml.encode(), capture_output=True, check=True, timeout=_TIMEOUT_S
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace")
        raise DiagramError(f"plantuml did not accept the document: {said}") from error
    except subprocess.TimeoutExpired as error:
        raise DiagramError(f"plantuml did not end within {_TIMEOUT_S} s") from error
    return finished(done.stdout.decode(), puml)


def finished(rendered: str, puml: str) -> str:
    """What PlantUML rendered, without what it says of the machine, with a ground and the document's mark."""
    bare = _SAYINGS.sub("", rendered).replace(_FONT, f"{_FONT},Verdana,sans-serif")
    ground = '<rect width="100%" height="100%" fill="#FFFFFF"/>'
    return _ROOT.sub(lambda root: f"{root[0]}<!-- {mark(puml)} -->{ground}", bare, count=1).rstrip() + "\n"


def mark(puml: str) -> str:
    """By which a picture shows from which document it was rendered."""
    return f"rendered by make diagrams; source sha256 {hashlib.sha256(puml.encode()).hexdigest()}"
