"""The templates as Python sees them: the one that is merged, as it is written, and a stage's whole one, as packaged."""

import functools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from leleka import deploy

MERGE_TEMPLATE = Path(__file__).parents[1] / "infra" / "template.yaml"

type Template = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """CloudFormation's short forms as their long ones."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    value: Any = None
    match node:
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


@functools.cache
def merge_template() -> Template:
    """``infra/template.yaml``, with intrinsic functions in their long form."""
    text = MERGE_TEMPLATE.read_text()
    loaded: Template = yaml.load(text, _Loader)  # noqa: S506 - a safe loader with CloudFormation's tags
    return loaded


def packaged(stage: str) -> Template:
    """What Chalice makes of it for a stage."""
    made = deploy.package(stage)
    try:
        template: Template = yaml.safe_load(made.template.read_text())
    finally:
        shutil.rmtree(made.code.parent)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "leleka-artifacts", "Key": "prod/code.zip"}
    return template


def translated(template: Template) -> Template:
    """What CloudFormation makes of AWS SAM's resources. The translator is AWS's own, in LocalStack's environment."""
    python = Path(__file__).parents[1] / "localstack" / ".venv" / "bin" / "python"
    done = subprocess.run(  # noqa: S603 - our own command line
        [str(python), "-c", _TRANSLATE],
        input=json.dumps(template),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    result: Template = json.loads(done.stdout)
    return result


_TRANSLATE = """
import json, sys, types
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

session = types.SimpleNamespace(region_name="eu-central-1")
translator = Translator({}, Parser(), boto_session=session)
print(json.dumps(translator.translate(json.load(sys.stdin), {})))
"""


def effective(template: Template, **parameters: str) -> Template:
    """The template for these parameters: conditions decided, what is not made left out, parameters' values put in."""
    given = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()} | parameters
    given["AWS::NoValue"] = None

    def decided(condition: Any) -> bool:
        match condition:
            case str(name) | {"Condition": str(name)}:
                return decided(template["Conditions"][name])
            case {"Fn::And": parts}:
                return all(decided(part) for part in parts)
            case {"Fn::Or": parts}:
                return any(decided(part) for part in parts)
            case {"Fn::Not": [part]}:
                return not decided(part)
            case {"Fn::Equals": [one, other]}:
                return bool(resolved(one) == resolved(other))
        raise ValueError(f"no condition: {condition}")

    def resolved(value: Any) -> Any:
        match value:
            case {"Fn::If": [str(name), then, otherwise]}:
                return resolved(then if decided(name) else otherwise)
            case {"Ref": str(name)} if name in given:
                return given[name]
            case dict():
                pairs = {key: resolved(each) for key, each in value.items()}
                return {key: each for key, each in pairs.items() if each is not None}
            case list():
                return [each for each in map(resolved, value) if each is not None]
        return value

    made = {
        name: resolved(resource)
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or decided(resource["Condition"])
    }
    return {**template, "Resources": made, "Outputs": resolved(template["Outputs"])}


def references(value: Any) -> Iterator[str]:
    """The names of resources and parameters that a part of a template refers to, pseudo parameters left out."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            if not name.startswith("AWS::"):
                yield name
        case {"Fn::Sub": str(text)}:
            yield from (found.split(".")[0] for found in _NAMES.findall(text))
        case {"Fn::Sub": [str(text), dict(own)]}:
            yield from (found.split(".")[0] for found in _NAMES.findall(text) if found not in own)
            yield from references(own)
        case dict():
            for each in value.values():
                yield from references(each)
        case list():
            for each in value:
                yield from references(each)


_NAMES = re.compile(r"\$\{(\w[\w.]*)\}")  # not ${AWS::Region} and the like
