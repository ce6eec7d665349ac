"""The code before bandit, the files before checkov's search for secrets, the API's document before its validator."""

from pathlib import Path

from leleka.checks import tools
from leleka.checks.findings import Answer, CheckError, Finding
from leleka.paths import PROJECT

_CODE = ("functions/app.py", "functions/chalicelib", "infra", "localstack/plugins")
_NOT_OURS = r"(^|/)(\.[a-z_]+|node_modules|__pycache__)(/|$)"  # environments, caches; not the files of .ci and .chalice
OPENAPI = PROJECT / "docs" / "openapi.yaml"


def check_code(*folders: str) -> list[Answer]:
    """Flaws that bandit knows, by file; of the project unless folders are named. Comments in the code silence nothing.

    Raises:
        CheckError: bandit could not read a file, or broke.
    """
    done = tools.tool("bandit", "--quiet", "--ignore-nosec", "--recursive", "--format", "json", *(folders or _CODE))
    report = tools.said("bandit", done)
    if report["errors"] or not report["metrics"]["_totals"]["loc"]:
        raise CheckError(f"bandit could not read the code: {report['errors']}")
    found = report["results"]
    return [
        Answer(
            "bandit", tuple(Finding("bandit", each["test_id"], each["filename"], each["issue_text"]) for each in found)
        )
    ]


def check_secrets(root: Path = PROJECT) -> list[Answer]:
    """Keys, tokens and passwords in any file below ``root``.

    Raises:
        CheckError: checkov broke.
    """
    done = tools.tool(
        *("checkov", "--skip-download", "--framework", "secrets", "--enable-secret-scan-all-files", "--output", "json"),
        *("--directory", root, "--skip-path", _NOT_OURS),
    )
    report = tools.said("checkov", done)
    found = report.get("results", {}).get("failed_checks", [])
    return [
        Answer(
            "secrets",
            tuple(
                Finding("secrets", each["check_id"], each["file_path"].lstrip("/"), each["check_name"])
                for each in found
            ),
        )
    ]


def check_openapi(document: Path = OPENAPI) -> list[Answer]:
    """The API's document against the OpenAPI specification.

    Raises:
        CheckError: the validator broke.
    """
    done = tools.tool("openapi-spec-validator", "--subschema-errors", "all", document)
    if not done.returncode:
        return [Answer("openapi-spec-validator")]
    words = tools.last_words(done)
    return [Answer("openapi-spec-validator", (Finding("openapi-spec-validator", "invalid", document.name, words),))]
