"""The state machines before asl-validator, which knows the Amazon States Language."""

import re
import tempfile
from pathlib import Path

from leleka.checks import tools
from leleka.checks.findings import Answer, CheckError, Finding
from leleka.paths import PROJECT

FOLDER = PROJECT / "statemachine"
_PLACEHOLDER = re.compile(r"\$\{\w+\}")
_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:name"


def check_state_machines(folder: Path = FOLDER) -> list[Answer]:
    """Every definition in the folder, with ARNs where CloudFormation will put them.

    Raises:
        CheckError: there is none, or the tool broke.
    """
    definitions = sorted(folder.glob("*.asl.json"))
    if not definitions:
        raise CheckError(f"no state machine in {folder}")
    return [Answer("asl-validator", tuple(found for path in definitions for found in _asl_validator(path)))]


def filled(definition: Path) -> str:
    """A definition as Step Functions will get it, with an ARN wherever CloudFormation puts one."""
    return _PLACEHOLDER.sub(_ARN, definition.read_text())


def _asl_validator(definition: Path) -> list[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, definition.name)
        file.write_text(filled(definition))
        done = tools.node_tool("asl-validator", "--json-path", file)
    if not done.returncode:
        return []
    words = tools.last_words(done)
    if "is invalid" not in words:
        raise CheckError(f"asl-validator broke: {words}")
    return [Finding("asl-validator", "invalid", definition.name, words)]
