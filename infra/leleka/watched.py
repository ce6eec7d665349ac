"""What each function and each table of a stage is watched with, added to the packaged template: the same for all, and
derived from the resources themselves, so that none is forgotten and a threshold follows its function's time-out.
"""

from typing import Any

type Resource = dict[str, Any]

_FUNCTION, _TABLE, _SOURCE = "AWS::Serverless::Function", "AWS::DynamoDB::Table", "AWS::Lambda::EventSourceMapping"
_API = "APIHandler"
_BROKE_PERCENT = 5
_NEAR_TIME_OUT = 0.8
_PERIOD_S = 300
_TABLE_OPERATIONS = ("GetItem", "PutItem", "Query", "UpdateItem")


def watch(template: dict[str, Any]) -> None:
    """Adds log groups, alarms, and leave to send traces. What invokes functions by itself waits for their log groups,
    since a function that finds none makes one."""
    resources: dict[str, Resource] = template["Resources"]
    functions = {name: each for name, each in resources.items() if each["Type"] == _FUNCTION}
    readers = {each["Properties"]["FunctionName"]["Ref"] for each in resources.values() if each["Type"] == _SOURCE}
    tables = [name for name, each in resources.items() if each["Type"] == _TABLE]
    for each in resources.values():
        if each["Type"] in {_SOURCE, "AWS::Events::Rule"}:
            each["DependsOn"] = sorted(f"{name}Logs" for name in functions)
    for name, function in functions.items():
        timeout_s = function["Properties"]["Timeout"]
        resources[f"{name}Logs"] = _log_group(name)
        resources[f"{name}ErrorRateAlarm"] = _error_rate(name, raises=name not in readers | {_API})
        resources[f"{name}ThrottlesAlarm"] = _throttles(name)
        resources[f"{name}DurationAlarm"] = _duration(name, timeout_s)
    for name in tables:
        resources[f"{name}Alarm"] = _table(name)
    resources["Tracing"] = _tracing([each["Properties"]["Role"]["Fn::GetAtt"][0] for each in functions.values()])


def _log_group(function: str) -> Resource:
    name = {"Fn::Sub": f"/aws/lambda/${{{function}}}"}
    return _resource("AWS::Logs::LogGroup", LogGroupName=name, RetentionInDays={"Ref": "LogRetentionDays"})


def _error_rate(function: str, *, raises: bool) -> Resource:
    """``raises``: whether its refusals are errors to Lambda, too. The API and readers of queues answer otherwise."""
    own = [{"Name": "function", "Value": function}]
    broke = "(errors - FILL(expected, 0))" if raises else "errors"
    expected = _stat("expected", {"Ref": "AWS::StackName"}, "ExpectedErrors", own)
    return _alarm(
        f"{function} crashes, times out or can't be started; refusals are not counted. Its log group has Lambda's own "
        "lines, and the request id leads from them to the booking. Sagas retry or roll back; see leleka ops list.",
        Metrics=[
            {"Id": "rate", "Expression": f"IF(invocations > 0, 100 * {broke} / invocations, 0)", "ReturnData": True},
            _stat("errors", "AWS/Lambda", "Errors", _of_function(function)),
            _stat("invocations", "AWS/Lambda", "Invocations", _of_function(function)),
            *([expected] if raises else []),
        ],
        Threshold=_BROKE_PERCENT,
        EvaluationPeriods=3,
        DatapointsToAlarm=2,  # one period alone may count an error and its refusal on either side of its border
    )


def _throttles(function: str) -> Resource:
    return _alarm(
        f"{function} may not run as often as it is called. Raise the concurrency, or find what calls it so often.",
        Namespace="AWS/Lambda",
        MetricName="Throttles",
        Dimensions=_of_function(function),
        Statistic="Sum",
        Period=60,
        Threshold=0,
        EvaluationPeriods=5,
        DatapointsToAlarm=3,
    )


def _duration(function: str, timeout_s: int) -> Resource:
    return _alarm(
        f"{function} comes near its time-out of {timeout_s} s. Find out what it waits for: a trace shows its calls, "
        "the dashboard the payment provider.",
        Namespace="AWS/Lambda",
        MetricName="Duration",
        Dimensions=_of_function(function),
        ExtendedStatistic="p99",
        Period=_PERIOD_S,
        Threshold=int(timeout_s * 1000 * _NEAR_TIME_OUT),
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
    )


def _table(table: str) -> Resource:
    """Throttles of the table, and errors of DynamoDB's own, which it tells by operation only."""
    of_table = [{"Name": "TableName", "Value": {"Ref": table}}]
    throttles = [
        _stat(name[0].lower() + name[1:], "AWS/DynamoDB", name, of_table)
        for name in ("ReadThrottleEvents", "WriteThrottleEvents")
    ]
    errors = [
        _stat(f"errors{name}", "AWS/DynamoDB", "SystemErrors", [*of_table, {"Name": "Operation", "Value": name}])
        for name in _TABLE_OPERATIONS
    ]
    return _alarm(
        f"DynamoDB throttles {table}, or answers with errors of its own. Sagas try again and nothing is lost; if it "
        "lasts, see the table's limits and AWS's health page.",
        Metrics=[{"Id": "all", "Expression": "SUM(METRICS())", "ReturnData": True}, *throttles, *errors],
        Threshold=10,
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
    )


def _tracing(roles: list[str]) -> Resource:
    """X-Ray knows no narrower resource than all."""
    allowed = {"Effect": "Allow", "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*"}
    return _resource(
        "AWS::IAM::Policy",
        PolicyName="send-traces",
        Roles=[{"Ref": role} for role in roles],
        PolicyDocument={"Version": "2012-10-17", "Statement": [allowed]},
    )


def _of_function(function: str) -> list[Any]:
    return [{"Name": "FunctionName", "Value": {"Ref": function}}]


def _stat(identifier: str, namespace: Any, name: str, dimensions: list[Any]) -> Resource:
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}
    return {
        "Id": identifier,
        "ReturnData": False,
        "MetricStat": {"Metric": metric, "Period": _PERIOD_S, "Stat": "Sum"},
    }


def _alarm(description: str, **properties: Any) -> Resource:
    return _resource(
        "AWS::CloudWatch::Alarm",
        AlarmDescription=description,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[{"Ref": "OperatorTopic"}],
        **properties,
    )


def _resource(kind: str, **properties: Any) -> Resource:
    return {"Type": kind, "Properties": properties}
