"""The functions as they are packaged: the zip that `leleka deploy` makes, unzipped once, and what the template says."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from leleka import code_zip, deploy
from leleka.stage import LOCAL, REGION

_FUNCTION = "AWS::Serverless::Function"
_CHALICE_TIMEOUT_S = 120
_SOMETHING = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": "000000000000",
    "AWS::StackName": "bench",
}
_HELLO = """\
import boto3
from chalice.app import Chalice

app = Chalice(app_name="hello")
client = boto3.client("dynamodb")


@app.lambda_function()
def hello(event, context):
    return client.get_item(TableName="HelloTable", Key={"name": {"S": event["name"]}})["Item"]
"""


@dataclass(frozen=True)
class Function:
    """A function of the template. ``environment`` has the parameters' defaults, and logical names for what is made."""

    name: str
    handler: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Unzipped:
    """A zip on this disk.

    Attributes:
        folder: its files.
        zip_bytes: its size.
        shares: what each package takes of it.
    """

    folder: Path
    zip_bytes: int
    shares: Mapping[str, "Share"]


@dataclass(frozen=True)
class Share:
    """What a package takes of a zip, in packed bytes: its compiled modules, and all else."""

    compiled: int
    others: int


def functions_and_code(folder: Path) -> tuple[dict[str, Function], Unzipped]:
    """Packages the project, and unzips it into the folder."""
    made = deploy.package(LOCAL)
    template = yaml.safe_load(made.template.read_text())
    code = unzipped(made.code.read_bytes(), folder / "functions")
    shutil.rmtree(made.code.parent)
    return functions_of(template), code


def functions_of(template: Mapping[str, Any]) -> dict[str, Function]:
    """The functions of a packaged template by their names."""
    parameters = {name: str(each.get("Default", name)) for name, each in template["Parameters"].items()}
    found = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == _FUNCTION:
            properties = resource["Properties"]
            variables = properties.get("Environment", {}).get("Variables", {})
            told = {variable: _resolved(value, parameters) for variable, value in variables.items()}
            found[name] = Function(name, properties["Handler"], told)
    return found


def hello_world(folder: Path) -> Unzipped:
    """The smallest function with one client of boto3, made by Chalice, with its modules compiled as ours are."""
    project = folder / "hello-project"
    (project / ".chalice").mkdir(parents=True)
    config = {"version": "2.0", "app_name": "hello", "stages": {"dev": {}}}
    (project / ".chalice" / "config.json").write_text(json.dumps(config))
    (project / "app.py").write_text(_HELLO)
    (project / "requirements.txt").write_text("")
    out = folder / "hello-packaged"
    subprocess.run(  # noqa: S603 - our own command line
        [Path(sys.executable).with_name("chalice"), "--project-dir", project, "package", out],
        env={"AWS_DEFAULT_REGION": REGION, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=_CHALICE_TIMEOUT_S,
        check=True,
    )
    return unzipped(code_zip.reproducible((out / "deployment.zip").read_bytes()), folder / "hello")


def unzipped(code: bytes, folder: Path) -> Unzipped:
    """The zip's files in the folder, and what they take in it."""
    folder.mkdir(parents=True)
    path = folder.with_suffix(".zip")
    path.write_bytes(code)
    with zipfile.ZipFile(path) as made:
        made.extractall(folder)
        compiled: Counter[str] = Counter()
        others: Counter[str] = Counter()
        for entry in made.infolist():
            kind = compiled if entry.filename.endswith(".pyc") else others
            kind[package_of(entry.filename)] += entry.compress_size
    shares = {name: Share(compiled[name], others[name]) for name in compiled.keys() | others.keys()}
    return Unzipped(folder, len(code), shares)


def package_of(name: str) -> str:
    """Which package a file of the zip is of: its first folder, without the folder of its metadata."""
    first, _, rest = name.partition("/")
    if first == "__pycache__" or not rest:
        return (rest or first).partition(".")[0]
    return first.removesuffix(".dist-info").rpartition("-")[0] or first if first.endswith(".dist-info") else first


def _resolved(value: Any, parameters: Mapping[str, str]) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    [(kind, told)] = value.items()
    if kind == "Ref":
        return parameters.get(told) or _SOMETHING.get(told) or str(told)
    if kind == "Fn::If":
        return _resolved(told[-1], parameters)
    text = told if isinstance(told, str) else str(told)
    for name, something in _SOMETHING.items():
        text = text.replace(f"${{{name}}}", something)
    return text
