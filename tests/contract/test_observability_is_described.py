"""docs/OBSERVABILITY.md, the dashboard and the alarms speak of the same metrics as the code."""

import json
import re

import pytest

from chalicelib.shared.step import function_name
from leleka.paths import PROJECT

CODE = "\n".join(path.read_text() for path in (PROJECT / "functions" / "chalicelib").rglob("*.py"))
COUNTED = set(re.findall(r'metrics\.(?:count|measure_s|timed_ms)\("(\w+)"', CODE)) | {
    "ExpectedErrors",
    "Refusals",
    "Transients",
}
TEMPLATE = (PROJECT / "infra" / "template.yaml").read_text()
PAGE = (PROJECT / "docs" / "OBSERVABILITY.md").read_text()
EACH = ["<Function>ErrorRateAlarm", "<Function>ThrottlesAlarm", "<Function>DurationAlarm", "<Table>Alarm"]
ALARMS = re.findall(r"^  (\w+Alarm):$", TEMPLATE, re.MULTILINE)


def dashboard() -> str:
    """The dashboard's JSON, with names in place of what CloudFormation fills in."""
    body = TEMPLATE.partition("DashboardBody: !Sub |\n")[2].partition("\n\n")[0]
    return re.sub(r"\$\{AWS::StackName}", "leleka-test", body)


def test_every_metric_has_its_line_and_no_other_has() -> None:
    """In the table of metrics, under the name that the code counts."""
    table = PAGE.partition("## Metrics of ours")[2].partition("## Alarms")[0]
    named = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == COUNTED


@pytest.mark.parametrize(
    "name", [*ALARMS, *(f"<Function>{kind}Alarm" for kind in ("ErrorRate", "Throttles", "Duration"))]
)
def test_every_alarm_has_a_line_that_says_what_to_do(name: str) -> None:
    """Whoever is woken looks there."""
    assert len(ALARMS) >= 9
    assert re.search(rf"^\| `{name}` \| \S.* \| \S.* \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_of_the_template_goes_to_the_operator_and_says_what_to_do(name: str) -> None:
    """As those that are added to it do."""
    alarm = TEMPLATE.partition(f"  {name}:\n")[2].partition("\n\n")[0]
    assert "AlarmActions: [!Ref OperatorTopic]" in alarm
    assert "TreatMissingData: notBreaching" in alarm
    assert len(alarm.partition("AlarmDescription: ")[2].partition("Namespace:")[0].split()) >= 8


def test_the_dashboard_shows_metrics_that_are_counted() -> None:
    """It is JSON that CloudWatch can read, and each metric of ours on it is one that the code has."""
    widgets = json.loads(dashboard())["widgets"]
    assert [each["properties"]["markdown"] for each in widgets if each["type"] == "text"] == [
        "## Bookings",
        "## The system",
    ]
    shown = set()
    for widget in widgets:
        own = False
        for metric in widget["properties"].get("metrics", []):
            expression = metric[0]["expression"] if isinstance(metric[0], dict) else ""
            if '{"leleka-test"' in expression:
                shown |= set(re.findall(r'MetricName="(\w+)"', expression))
            elif not expression and metric[0] not in {".", "..."}:
                own = metric[0] == "leleka-test"
            if own and not expression and metric[0] != "...":
                shown.add(metric[1])
    assert shown <= COUNTED
    assert COUNTED - shown == {"ExpectedErrors", "Transients"}


def test_widgets_do_not_lie_on_each_other() -> None:
    """Twenty-four columns; three widgets a row."""
    places = [
        (widget["x"] + dx, widget["y"] + dy)
        for widget in json.loads(dashboard())["widgets"]
        for dx in range(widget["width"])
        for dy in range(widget["height"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) == 23


def test_the_sagas_log_no_data() -> None:
    """Inputs and outputs have the secrets of seat locks, and the payment method."""
    logging = TEMPLATE.partition("LoggingConfiguration: &saga-logging")[2].partition("\n      RoleArn")[0]
    assert "IncludeExecutionData: false" in logging
    assert TEMPLATE.count("LoggingConfiguration: *saga-logging") == 1


def test_a_function_is_named_in_its_lines_as_in_the_template() -> None:
    """By that name the alarms ask for its expected errors."""
    from app import app  # noqa: PLC0415 - the whole Chalice project; only this test needs it

    for each in app.pure_lambda_functions:
        assert function_name(each.func) == each.name


def test_every_function_tells_its_metrics_to_its_own_stage() -> None:
    """By a setting that all functions have, since stages in one account would be added up otherwise."""
    settings = TEMPLATE.partition("\nGlobals:\n")[2].partition("\nResources:\n")[0]
    assert "POWERTOOLS_METRICS_NAMESPACE: !Ref AWS::StackName" in settings
    config = json.loads((PROJECT / "functions" / ".chalice" / "config.json").read_text())
    assert config["xray"] is True
