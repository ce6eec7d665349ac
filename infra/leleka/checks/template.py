"""The template of the stage ``prod``, as it would be deployed, before cfn-lint and checkov."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from leleka import deploy, release
from leleka.checks import tools
from leleka.checks.findings import Answer, CheckError, Finding
from leleka.stage import REGION
from leleka.watched import watch

_STAGE = "prod"


def check_template() -> list[Answer]:
    """Packages the stage and asks both tools.

    Raises:
        CheckError: it could not be packaged, or a tool broke.
    """
    try:
        packaged = deploy.package(_STAGE)
    except deploy.DeployError as error:
        raise CheckError(f"the template could not be made: {error}") from error
    try:
        template = packaged.template.with_name("deployed.json")
        template.write_text(json.dumps(_as_deployed(yaml.safe_load(packaged.template.read_text()))))
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda ask: ask(template), (cfn_lint, checkov)))
    finally:
        shutil.rmtree(packaged.template.parent, ignore_errors=True)


def _as_deployed(template: dict[str, Any]) -> dict[str, Any]:
    """What a deployment to AWS adds to the packaged template."""
    watch(template)
    return release.released(template)


def cfn_lint(template: Path) -> Answer:
    """Errors, warnings and what is merely informational, by resource."""
    done = tools.tool("cfn-lint", "--format", "json", "--include-checks", "I", "--regions", REGION, "--", template)
    return Answer("cfn-lint", tuple(_of_cfn_lint(each) for each in tools.said("cfn-lint", done)))


def checkov(template: Path) -> Answer:
    """Failed policies, by resource."""
    done = tools.tool(
        *("checkov", "--skip-download", "--framework", "cloudformation"), *("--file", template, "--output", "json")
    )
    report = tools.said("checkov", done)
    summary = report.get("summary", {"parsing_errors": "no report"})
    if summary["parsing_errors"] or not summary["resource_count"]:
        raise CheckError(f"checkov could not read the template: {summary}")
    failed = report["results"]["failed_checks"]
    return Answer(
        "checkov", tuple(Finding("checkov", each["check_id"], each["resource"], each["check_name"]) for each in failed)
    )


def _of_cfn_lint(match: dict[str, Any]) -> Finding:
    where = ".".join(str(part) for part in match["Location"]["Path"] or ["template"])
    return Finding("cfn-lint", match["Rule"]["Id"], where, match["Message"])
