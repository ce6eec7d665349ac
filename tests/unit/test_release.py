"""The release of a template, as a pure function: who calls a function goes by its alias, who speaks of it does not."""

import copy
from typing import Any

import pytest

from leleka import release

FUNCTION = {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "a.b"}}
ARN: dict[str, Any] = {"Fn::GetAtt": ["Sell", "Arn"]}
NAME: dict[str, Any] = {"Ref": "Sell"}
ALIAS: dict[str, Any] = {"Ref": "Sell.Alias"}


def released(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    """A resource's properties in a released template with a function Sell and a table Seats."""
    resources = {
        "Sell": FUNCTION,
        "Seats": {"Type": "AWS::DynamoDB::Table"},
        "It": {"Type": kind, "Properties": properties},
    }
    done: dict[str, Any] = release.released({"Resources": resources})["Resources"]["It"]["Properties"]
    return done


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::Events::Rule",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Permission",
        "AWS::Serverless::Api",
        "AWS::StepFunctions::StateMachine",
    ],
)
@pytest.mark.parametrize(
    ("named", "called"),
    [
        (NAME, ALIAS),
        (ARN, ALIAS),
        ([{"Arn": ARN}], [{"Arn": ALIAS}]),
        ({"Fn::Sub": "functions/${Sell.Arn}/x"}, {"Fn::Sub": "functions/${Sell.Alias}/x"}),
        ({"Fn::Sub": "functions/${Sell}"}, {"Fn::Sub": "functions/${Sell.Alias}"}),
        ({"Fn::Sub": ["${Sell.Arn}/${a}", {"a": NAME}]}, {"Fn::Sub": ["${Sell.Alias}/${a}", {"a": ALIAS}]}),
    ],
)
def test_a_caller_calls_the_alias(kind: str, named: Any, called: Any) -> None:
    """In whatever form it names the function."""
    assert released(kind, {"Target": named}) == {"Target": called}


def test_a_function_is_told_the_alias_of_another() -> None:
    """In its environment; for the rest it stays what it is."""
    properties = {
        "Handler": "a.b",
        "Environment": {"Variables": {"SELL_FUNCTION": NAME, "SEATS_TABLE": {"Ref": "Seats"}}},
    }
    done = released("AWS::Serverless::Function", properties)
    assert done["Environment"]["Variables"] == {"SELL_FUNCTION": ALIAS, "SEATS_TABLE": {"Ref": "Seats"}}
    assert done["Handler"] == "a.b"


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::CloudWatch::Alarm", {"Dimensions": [{"Name": "FunctionName", "Value": NAME}]}),
        ("AWS::Logs::LogGroup", {"LogGroupName": {"Fn::Sub": "/aws/lambda/${Sell}"}}),
        ("AWS::StepFunctions::StateMachine", {"DefinitionSubstitutions": {"Table": {"Ref": "Seats"}}}),
        ("AWS::Serverless::Api", {"Name": {"Fn::Sub": "${AWS::StackName}-${Seats.Arn}"}}),
    ],
)
def test_who_only_speaks_of_a_function_or_of_something_else_is_left_alone(
    kind: str, properties: dict[str, Any]
) -> None:
    """Metrics and log groups are the function's, whatever its alias points to."""
    assert released(kind, properties) == properties


@pytest.mark.parametrize("action", ["lambda:InvokeFunction", ["lambda:InvokeFunction"]])
@pytest.mark.parametrize("kind", ["AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"])
def test_a_policy_allows_the_alias_and_keeps_its_other_statements(kind: str, action: Any) -> None:
    """Reading a function's settings, or writing its log, is allowed by the function's own name."""
    invoke = {"Effect": "Allow", "Action": action, "Resource": [ARN]}
    read = {"Effect": "Allow", "Action": "lambda:GetFunction", "Resource": ARN}
    done = released(kind, {"Policies": [{"PolicyDocument": {"Statement": [invoke, read]}}]})
    assert done["Policies"][0]["PolicyDocument"]["Statement"] == [{**invoke, "Resource": [ALIAS]}, read]


def test_an_output_of_a_functions_own_name_is_for_those_who_call_it() -> None:
    """Others, such as Chalice's own, tell the function's name."""
    template = {"Resources": {"Sell": FUNCTION}, "Outputs": {"Sell": {"Value": NAME}, "SellName": {"Value": NAME}}}
    assert release.released(template)["Outputs"] == {"Sell": {"Value": ALIAS}, "SellName": {"Value": NAME}}


def test_the_alarm_of_a_function_counts_what_broke_and_not_what_was_refused() -> None:
    """Each metric is this function's: its alias's errors, and its own two counts, which may not be there at all."""
    properties = release.released({"Resources": {"Sell": FUNCTION}})["Resources"]["SellReleaseAlarm"]["Properties"]
    total, *parts = properties["Metrics"]
    assert total["Expression"] == "errors - FILL(expected, 0) + FILL(faults, 0)"
    assert [part["ReturnData"] for part in properties["Metrics"]] == [True, False, False, False]
    named = {part["Id"]: part["MetricStat"]["Metric"]["MetricName"] for part in parts}
    assert named == {"errors": "Errors", "expected": "ExpectedErrors", "faults": "Faults"}
    alias = {"Name": "Resource", "Value": {"Fn::Sub": "${Sell}:live"}}
    assert alias in parts[0]["MetricStat"]["Metric"]["Dimensions"]
    for part in parts[1:]:
        assert part["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "function", "Value": "Sell"}]
        assert part["MetricStat"]["Metric"]["Namespace"] == {"Ref": "AWS::StackName"}


def test_the_given_template_is_not_changed() -> None:
    """It is still the one for every stage."""
    template = {
        "Resources": {"Sell": FUNCTION, "It": {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"Arn": ARN}]}}}
    }
    before = copy.deepcopy(template)
    release.released(template)
    assert template == before
