"""The processes of these measurements: the functions' own interpreter, the packaged code, and nothing of this one."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leleka.paths import PROJECT
from leleka.stage import REGION
from tests.benchmarks.performance.packaged import Function
from tests.benchmarks.performance.stub import Stubs

_PYTHON = PROJECT / "localstack" / ".runtime" / "bin" / "python"
_TIMEOUT_S = 120


class ChildFailedError(Exception):
    """A measured process broke, or its function did; the message has its last words."""


def environment(code: Path, stubs: Stubs, told: Mapping[str, str]) -> dict[str, str]:
    """What Lambda, the template and this measurement tell a function. The time-out of a lock is a second, since the
    machine may be busy."""
    return {
        "PYTHONPATH": f"{code}:{PROJECT}",
        "LAMBDA_TASK_ROOT": str(code),
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_ENDPOINT_URL": stubs.aws_url,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        **told,
    }


def lock_told(function: Function, stubs: Stubs, *, own_cache: bool = False) -> dict[str, str]:
    """The seat lock's server, for a function that opens one: a plain node, or a stage's own cache as on AWS."""
    if "LOCK_URL" not in function.environment:
        return {}
    cache = {"LOCK_URL": stubs.cache_url, "SSL_CERT_FILE": str(stubs.authorities)}
    return {"LOCK_TIMEOUT_MS": "1000", **(cache if own_cache else {"LOCK_URL": stubs.lock_url})}


def run(module: str, arguments: list[str], variables: Mapping[str, str]) -> dict[str, Any]:
    """Runs a module of this folder there, and returns the JSON that it prints.

    Raises:
        ChildFailedError: it ended with an error, or too late.
    """
    command = [str(_PYTHON), "-P", "-s", "-m", f"tests.benchmarks.performance.{module}", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command, env=dict(variables), capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ChildFailedError(f"{module} {arguments[0]} did not end within {_TIMEOUT_S} s") from error
    if done.returncode:
        raise ChildFailedError(f"{module} {arguments[0]}: {done.stderr.strip()[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    refused = told["answer"].get("batchItemFailures") if isinstance(told["answer"], dict) else None
    status = told["answer"].get("statusCode", 200) if isinstance(told["answer"], dict) else 200
    if refused or status >= 400:
        raise ChildFailedError(f"{module} {arguments[0]} was answered {told['answer']}")
    return told
