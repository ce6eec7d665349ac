"""What is added to the packaged template: the same for each function and each table, whichever there are."""

from typing import Any

import pytest

from leleka.watched import watch


def function(timeout_s: int, role: str) -> dict[str, Any]:
    """A function as Chalice packages it, as far as it matters."""
    properties = {"Timeout": timeout_s, "Role": {"Fn::GetAtt": [role, "Arn"]}}
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


@pytest.fixture
def resources() -> dict[str, Any]:
    """A step, the API, a function that reads a queue, one that a schedule calls, and a table; watched."""
    template: dict[str, Any] = {
        "Resources": {
            "ReserveSeat": function(10, "ReserveSeatRole"),
            "APIHandler": function(29, "ApiHandlerRole"),
            "CarryOutPayments": function(30, "CarryOutPaymentsRole"),
            "Reconcile": function(90, "ReconcileRole"),
            "PaymentSource": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {"FunctionName": {"Ref": "CarryOutPayments"}},
            },
            "ReconcileRule": {"Type": "AWS::Events::Rule", "Properties": {}},
            "SeatsTable": {"Type": "AWS::DynamoDB::Table", "Properties": {}},
        }
    }
    watch(template)
    return dict(template["Resources"])


FUNCTIONS = {"ReserveSeat": 10, "APIHandler": 29, "CarryOutPayments": 30, "Reconcile": 90}


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm with an expression reads."""
    return [each["MetricStat"]["Metric"] for each in alarm["Properties"]["Metrics"] if "MetricStat" in each]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_writes_to_a_log_group_that_ends_what_it_keeps(resources: dict[str, Any], name: str) -> None:
    """Under the name that Lambda writes to, or Lambda would make one that keeps everything for ever."""
    group = resources[f"{name}Logs"]["Properties"]
    assert group == {
        "LogGroupName": {"Fn::Sub": f"/aws/lambda/${{{name}}}"},
        "RetentionInDays": {"Ref": "LogRetentionDays"},
    }


@pytest.mark.parametrize("name", ["PaymentSource", "ReconcileRule"])
def test_what_calls_functions_by_itself_waits_for_their_log_groups(resources: dict[str, Any], name: str) -> None:
    """A function that ran before would have made the group, and the stack could not."""
    assert resources[name]["DependsOn"] == sorted(f"{function}Logs" for function in FUNCTIONS)


@pytest.mark.parametrize(("name", "timeout_s"), FUNCTIONS.items())
def test_a_function_that_comes_near_its_own_time_out_is_told(
    resources: dict[str, Any], name: str, timeout_s: int
) -> None:
    """Four fifths of it, in the milliseconds in which Lambda tells durations."""
    alarm = resources[f"{name}DurationAlarm"]["Properties"]
    assert (alarm["ExtendedStatistic"], alarm["Threshold"]) == ("p99", timeout_s * 800)
    assert str(timeout_s) in alarm["AlarmDescription"]


@pytest.mark.parametrize(
    ("name", "raises"), [("ReserveSeat", True), ("Reconcile", True), ("APIHandler", False), ("CarryOutPayments", False)]
)
def test_refusals_are_taken_off_where_lambda_counts_them(resources: dict[str, Any], name: str, raises: bool) -> None:
    """The API and readers of queues answer a refusal without an error, so there is nothing to take off."""
    alarm = resources[f"{name}ErrorRateAlarm"]
    names = [each["MetricName"] for each in metrics_of(alarm)]
    assert names == ["Errors", "Invocations", *(["ExpectedErrors"] if raises else [])]
    [rate] = [each for each in alarm["Properties"]["Metrics"] if each["ReturnData"]]
    assert ("FILL(expected, 0)" in rate["Expression"]) == raises
    for each in metrics_of(alarm)[2:]:
        assert each["Namespace"] == {"Ref": "AWS::StackName"}
        assert each["Dimensions"] == [{"Name": "function", "Value": name}]


def test_a_table_is_watched_within_what_one_alarm_may_read(resources: dict[str, Any]) -> None:
    """CloudWatch takes ten metrics an alarm."""
    metrics = metrics_of(resources["SeatsTableAlarm"])
    assert {each["MetricName"] for each in metrics} == {"ReadThrottleEvents", "WriteThrottleEvents", "SystemErrors"}
    assert len(metrics) <= 10
    assert all({"Name": "TableName", "Value": {"Ref": "SeatsTable"}} in each["Dimensions"] for each in metrics)


def test_every_role_may_send_traces(resources: dict[str, Any]) -> None:
    """LocalStack enforces no policy, so a missing role would show on AWS only, as traces that are not there."""
    assert {role["Ref"] for role in resources["Tracing"]["Properties"]["Roles"]} == {
        "ReserveSeatRole",
        "ApiHandlerRole",
        "CarryOutPaymentsRole",
        "ReconcileRole",
    }


def test_every_alarm_goes_to_the_operator_and_says_what_to_do(resources: dict[str, Any]) -> None:
    """And silence is no alarm: most of these metrics exist only when something happens."""
    alarms = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(alarms) == 3 * len(FUNCTIONS) + 1
    for alarm in alarms:
        assert alarm["AlarmActions"] == [{"Ref": "OperatorTopic"}]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert len(alarm["AlarmDescription"].split(". ")) >= 2
