"""The arithmetic of `make bench`'s cold and warm starts, and what it takes from the package."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.benchmarks.performance import cold
from tests.benchmarks.performance.canned import answer
from tests.benchmarks.performance.cases import PAYMENT, Case, cases, warm_cases
from tests.benchmarks.performance.cold_page import bars, section
from tests.benchmarks.performance.cold_times import HELLO, ColdTimes
from tests.benchmarks.performance.packaged import Function, functions_of, package_of, unzipped
from tests.benchmarks.performance.warm_times import percentile, warm

SELL, PAY = Case("Sell", "Sell", {}), Case("Pay", PAYMENT, {})


@pytest.fixture
def times() -> ColdTimes:
    """Five starts, one of each in bad weather."""
    made = ColdTimes()
    took = {HELLO: (104, 100, 900, 100, 108), "Sell": (110, 120, 130, 480, 125), "Pay": (150, 155, 150, 160, 640)}
    for name, took_ms in took.items():
        for cpu_ms in took_ms:
            made.add(name, cpu_ms, cpu_ms * 2)
    return made


def test_a_ratio_is_of_first_quartiles(times: ColdTimes) -> None:
    """What slows some starts down is not theirs; the medians stand beside it."""
    ratio = times.ratio("Sell")
    assert (ratio.quartile, ratio.low, ratio.high) == (1.2, 1.1, 4.8)
    assert ratio.median == pytest.approx(125 / 104)
    assert (times.cpu_ms("Sell").quartile, times.wall_ms("Sell").quartile, times.starts("Sell")) == (120, 240, 5)


def test_hello_world_is_started_again_and_again_within_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it is measured in all weathers."""
    names = [HELLO, *(case.name for case in cases())]
    starts = [cold._Start(name, "handler", Path("event"), {}) for name in names]
    monkeypatch.setattr(cold, "_cpu_and_wall_ms", lambda _: (210.0, 1.0))
    measured = ColdTimes()
    cold._round(starts, measured)
    assert measured.starts(HELLO) == 5
    assert {measured.starts(name) for name in names[1:]} == {1}


def test_the_figures_are_the_worst_ones(times: ColdTimes) -> None:
    """What moves money has a figure of its own."""
    assert times.figures([PAY, SELL]) == {"cold_ratio_max": 1.2, "cold_ratio_payment": 1.5}
    assert times.spreads([SELL, PAY])["cold_ratio_max"] == "1.10 to 4.80, 5 rounds of Sell"


def test_the_page_has_a_row_for_each_case_and_says_what_is_in_the_zip(times: ColdTimes, tmp_path: Path) -> None:
    """Compiled modules are counted with their package."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as made:
        made.writestr("lib/a.py", b"x" * 1000)
        made.writestr("lib/__pycache__/a.cpython-313.pyc", b"y" * 3000)
    page = section(times, [SELL, PAY], unzipped(written.getvalue(), tmp_path / "code"))
    assert "| Sell | 1.20 (1.10 to 4.80) | 1.20 | 120 (110 to 480) | 240 |" in page
    assert "| lib | 4 | 3 |" in page
    assert (tmp_path / "code" / "lib" / "a.py").exists()
    assert "ROUNDS" not in page
    assert bars(times, [SELL, PAY]).startswith("<svg")


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("app.py", "app"),
        ("__pycache__/app.cpython-313.pyc", "app"),
        ("redis/client.py", "redis"),
        ("aws_xray_sdk-2.15.0.dist-info/METADATA", "aws_xray_sdk"),
        ("typing_extensions.py", "typing_extensions"),
    ],
)
def test_a_file_of_the_zip_is_of_a_package(name: str, package: str) -> None:
    """Its metadata is, too."""
    assert package_of(name) == package


def test_the_functions_come_from_the_template_with_what_they_are_told() -> None:
    """A parameter's default, a resource's logical name, a condition's other branch."""
    variables = {
        "HOLD_TTL_S": {"Ref": "HoldTtl"},
        "SEATS_TABLE": {"Ref": "SeatsTable"},
        "SAGA_ARN": {"Fn::Sub": "arn:${AWS::Partition}:${AWS::StackName}-saga"},
        "LOCK_URL": {"Fn::If": ["OwnCache", {"Fn::Sub": "x"}, {"Ref": "LockUrl"}]},
    }
    properties = {"Handler": "a.sell", "Environment": {"Variables": variables}}
    template = {
        "Parameters": {"HoldTtl": {"Default": 900}, "LockUrl": {}},
        "Resources": {
            "Sell": {"Type": "AWS::Serverless::Function", "Properties": properties},
            "SeatsTable": {"Type": "AWS::DynamoDB::Table"},
        },
    }
    told = {
        "HOLD_TTL_S": "900",
        "SEATS_TABLE": "SeatsTable",
        "SAGA_ARN": "arn:aws:bench-saga",
        "LOCK_URL": "LockUrl",
    }
    assert functions_of(template) == {"Sell": Function("Sell", "a.sell", told)}


def test_a_percentile_is_a_value_that_was_measured() -> None:
    """The smallest that so many percent are not above."""
    values = list(range(200, 0, -1))
    assert [percentile(values, percent) for percent in (50, 99, 100)] == [100, 198, 200]
    assert percentile([7], 99) == 7


def test_a_warm_run_tells_its_median_its_tail_and_its_blocks() -> None:
    """Microseconds, of the handler's own, of botocore and of the lock."""
    own_ns = [block * 1000 for block in range(1, 9) for _ in range(100)]
    run = warm(own_ns, [500_000] * 800, [0] * 800)
    assert list(run.own) == [4.0, 1.0, 8.0]
    assert (run.own_p99, run.aws, run.lock) == (8, 500, 0)


def test_what_aws_answers_differs_by_table_and_is_known() -> None:
    """A request that nobody has thought of is an error, not an empty answer."""
    target = "DynamoDB_20120810.GetItem"
    assert b"Olena" in answer(target, "/", b'{"TableName": "HelloTable"}').body
    assert b'"rows": []' in answer("", "/2015-03-31/functions/DueHolds/invocations", b"{}").body
    with pytest.raises(KeyError):
        answer("DynamoDB_20120810.Scan", "/", b'{"TableName": "SeatsTable"}')


def test_warm_cases_are_those_that_can_be_repeated() -> None:
    """Stripe can't be; AWS's cache differs in its start only; a refusal is a case of its own."""
    names = {case.name for case in warm_cases()}
    left = {case.name for case in cases() if "Stripe" in case.name or case.own_cache}
    assert {case.name for case in cases()} - names == left
    assert not names & left
    assert [case.refusal for case in warm_cases() if case.refusal] == ["SeatTaken"]
