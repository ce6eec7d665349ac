"""What makes ``chalice deploy --stage local`` work on a local stage that CloudFormation made.

Chalice finds a function by its name, ``leleka-local-ReserveSeat``, and the REST API by the record that it keeps in
``functions/.chalice/deployed``; what it finds it updates in place. It gives each function the role of its own stage
``local`` in config.json, which tells the next deployment by CloudFormation what Chalice has changed meanwhile.
"""

import json
import shlex
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from leleka import stage as stages
from leleka.paths import PROJECT
from leleka.stage import LOCAL, REGION, Aws, Stage

FUNCTIONS = PROJECT / "functions"
_FUNCTION, _API_HANDLER = "AWS::Serverless::Function", "APIHandler"
_GONE_S, _POLL_S = 10.0, 0.1


class ChaliceDeploysError(Exception):
    """What a ``chalice deploy`` left is in the way of a deployment; nothing else was changed."""


def take_back(aws: Aws, template: dict[str, Any]) -> None:
    """Names the template's functions as Chalice would, and undoes what Chalice has changed since the last deployment:
    what it made beside the stack is removed, and CloudFormation is made to update every function.

    Raises:
        ChaliceDeploysError: a function that Chalice made does not go away.
    """
    prefix = stages.stack_name(aws.stage)
    functions = {name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == _FUNCTION}
    for name, properties in functions.items():
        properties["FunctionName"] = prefix if name == _API_HANDLER else f"{prefix}-{name}"
    changed = _changed_by_chalice(aws)
    if not changed:
        return
    for name in sorted(changed - _of_the_stack(aws, prefix)):
        _remove(aws, name)
    again = f"taken back from chalice deploy, {uuid.uuid4().hex[:8]}"  # CloudFormation may know all else already
    for properties in functions.values():
        properties["Description"] = again


def record(stage: Stage, functions: Path) -> None:
    """Tells Chalice, in its own record, which REST API is the stage's."""
    api = {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": stage.outputs["RestAPIId"]}
    api["rest_api_url"] = stage.page_url
    file = _record(functions)
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"resources": [api], "schema_version": "2.0", "backend": "api"}, indent=2))


def forget(stage: Stage, functions: Path) -> None:
    """Removes the record if it is about this stage, which has ended, and not about one of another stack."""
    file = _record(functions)
    if not file.exists() or stage.outputs["RestAPIId"] not in file.read_text():
        return
    file.unlink()
    if not any(file.parent.iterdir()):
        file.parent.rmdir()


def shell_lines(gateway_url: str) -> str:
    """For a shell: the AWS of the local stage for every tool started there, and ``chalice`` itself. The keys are those
    that LocalStack knows, so nothing can reach a real account, whatever the user's own settings are."""
    variables = {
        "AWS_ENDPOINT_URL": gateway_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PIP_NO_DEPS": "1",  # functions/requirements.txt is complete, as deploy.py says
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*lines, "unset AWS_PROFILE AWS_SESSION_TOKEN", f'export PATH={_programs()}:"$PATH"'])


def _programs() -> str:
    return shlex.quote(str(Path(sys.executable).parent))


def _record(functions: Path) -> Path:
    return functions / ".chalice" / "deployed" / f"{LOCAL}.json"


def _changed_by_chalice(aws: Aws) -> set[str]:
    config = json.loads((FUNCTIONS / ".chalice" / "config.json").read_text())
    role = config["stages"][LOCAL]["iam_role_arn"]
    pages = aws.client("lambda").get_paginator("list_functions").paginate()
    return {function["FunctionName"] for page in pages for function in page["Functions"] if function["Role"] == role}


def _of_the_stack(aws: Aws, stack: str) -> set[str]:
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return {resource["PhysicalResourceId"] for page in pages for resource in page["StackResourceSummaries"]}


def _remove(aws: Aws, function: str) -> None:
    client = aws.client("lambda")
    client.delete_function(FunctionName=function)
    until_s = time.monotonic() + _GONE_S
    while time.monotonic() < until_s:  # there is no waiter for it
        try:
            client.get_function(FunctionName=function)
        except client.exceptions.ResourceNotFoundException:
            return
        time.sleep(_POLL_S)
    raise ChaliceDeploysError(f"function {function}, which chalice deploy made, is still there after {_GONE_S:.0f} s")
