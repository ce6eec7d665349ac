"""What an AWS stage's template has besides: each function is published under an alias, everybody calls the alias, and
CodeDeploy moves it to a new version by a canary that alarms stop.

A pure function on the packaged template. LocalStack keeps plain functions, so that a changed one is in use at once.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

type Template = dict[str, Any]

ALIAS = "live"
_CANARY = "Canary10Percent5Minutes"
FUNCTION = "AWS::Serverless::Function"
_CALLERS = {
    "AWS::Events::Rule",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::Serverless::Api",
    "AWS::StepFunctions::StateMachine",
}
_POLICIES = {"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"}
_INVOKE = "lambda:InvokeFunction"


def released(template: Template, *, at_once: bool = False) -> Template:
    """The template with published functions. What only names a function, such as an alarm on its metrics or its log
    group, goes on naming the function.

    Args:
        template: as packaged.
        at_once: without canary and alarms. CodeDeploy begins nothing while an alarm is on, and the fix for what broke
            must not wait for it to be off.
    """
    resources = template["Resources"]
    functions = {name for name, resource in resources.items() if resource["Type"] == FUNCTION}

    def by_alias(value: Any) -> Any:
        return _by_alias(value, functions)

    changed = {name: _resource(resource, by_alias) for name, resource in resources.items()}
    for name in functions:
        changed[name]["Properties"] |= _published(name, at_once=at_once)
    alarms = {alarm_of(name): _alarm(name) for name in sorted(functions)}
    outputs = template.get("Outputs", {})
    # An output that has a function's own name is for those who call it.
    called = {name: by_alias(output) for name, output in outputs.items() if name in functions}
    return {**template, "Resources": {**changed, **alarms}, "Outputs": {**outputs, **called}}


def alarm_of(function: str) -> str:
    """The name of the alarm that stops a function's canary."""
    return f"{function}ReleaseAlarm"


def _published(function: str, *, at_once: bool) -> Template:
    canary = {"Type": _CANARY, "Alarms": [{"Ref": alarm_of(function)}]}
    return {
        "AutoPublishAlias": ALIAS,
        "AutoPublishAliasAllProperties": True,  # a setting or a size is as much a release as code is
        "DeploymentPreference": {"Type": "AllAtOnce"} if at_once else canary,
    }


def _resource(resource: Template, by_alias: Callable[[Any], Any]) -> Template:
    kind, properties = resource["Type"], resource.get("Properties", {})
    if kind == FUNCTION:
        told = {"Environment": by_alias(properties["Environment"])} if "Environment" in properties else {}
        return {**resource, "Properties": {**properties, **told}}
    if kind in _CALLERS:
        return {**resource, "Properties": by_alias(properties)}
    if kind in _POLICIES:
        return {**resource, "Properties": _in_statements(properties, by_alias)}
    return resource


def _in_statements(value: Any, by_alias: Callable[[Any], Any]) -> Any:
    """Changes what a policy lets call, and leaves what it lets write logs or read."""
    if isinstance(value, list):
        return [_in_statements(each, by_alias) for each in value]
    if not isinstance(value, Mapping):
        return value
    actions = value.get("Action", [])
    if _INVOKE in ([actions] if isinstance(actions, str) else actions):
        return {**value, "Resource": by_alias(value["Resource"])}
    return {key: _in_statements(each, by_alias) for key, each in value.items()}


def _by_alias(value: Any, functions: set[str]) -> Any:
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "Arn"]} if name in functions:
            return {"Ref": f"{name}.Alias"}
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": _in_text(text, functions)}
        case {"Fn::Sub": [str(text), given]}:
            return {"Fn::Sub": [_in_text(text, functions), _by_alias(given, functions)]}
        case dict():
            return {key: _by_alias(each, functions) for key, each in value.items()}
        case list():
            return [_by_alias(each, functions) for each in value]
    return value


def _in_text(text: str, functions: set[str]) -> str:
    def alias(found: re.Match[str]) -> str:
        return f"${{{found[1]}.Alias}}" if found[1] in functions else found[0]

    return re.sub(r"\$\{(\w+)(?:\.Arn)?\}", alias, text)


def _alarm(function: str) -> Template:
    """What broke in the function: crashes, time-outs and errors that it has no word for.

    A refusal leaves a function as an error too, as Step Functions knows no other way, and says nothing about a release:
    the functions count those as ``ExpectedErrors``. What broke and was answered all the same, as the API does, is no
    error to Lambda: they count it as ``Faults``. One that was raised is in both counts, which is no less than one.
    """
    dimensions = [{"Name": "FunctionName", "Value": {"Ref": function}}]
    dimensions.append({"Name": "Resource", "Value": {"Fn::Sub": f"${{{function}}}:{ALIAS}"}})
    # None of the functions' own is there before the first is counted, and one may be counted a minute beside its error.
    broke = "errors - FILL(expected, 0) + FILL(faults, 0)"
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": f"{function} breaks; a release of it that is under way is rolled back.",
            "Metrics": [
                {"Id": "broke", "Expression": broke, "Label": "What broke", "ReturnData": True},
                _sum("errors", {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": dimensions}),
                _sum("expected", _counted("ExpectedErrors", function)),
                _sum("faults", _counted("Faults", function)),
            ],
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0,
            "EvaluationPeriods": 5,
            "DatapointsToAlarm": 2,
            "TreatMissingData": "notBreaching",
        },
    }


def _counted(name: str, function: str) -> Template:
    dimensions = [{"Name": "function", "Value": function}]
    return {"Namespace": {"Ref": "AWS::StackName"}, "MetricName": name, "Dimensions": dimensions}


def _sum(name: str, metric: Template) -> Template:
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False}
