"""From counts to money: each line is a count times a price."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.work import prices
from tests.benchmarks.work.counted import Work

MEMORY_GB = 0.5


@dataclass(frozen=True)
class Line:
    """One line of a bill."""

    what: str
    count: float
    unit_usd: float

    @property
    def usd(self) -> float:
        """What it comes to."""
        return self.count * self.unit_usd


def booking(work: Work) -> list[Line]:
    """The bill of one story."""
    return [
        Line("Step Functions, state transitions", work.transitions, prices.TRANSITION),
        Line("Lambda, invocations", work.invocations.total(), prices.INVOCATION),
        Line("Lambda, GB-seconds", work.billed_ms.total() / 1000 * MEMORY_GB, prices.FUNCTION_GB_S),
        Line("DynamoDB, write units of tables", work.write_units, prices.WRITE_UNIT),
        Line("DynamoDB, write units of indexes, at most", work.index_units, prices.WRITE_UNIT),
        Line("DynamoDB, read units", work.read_units, prices.READ_UNIT),
        Line("ElastiCache, ECPUs", work.redis.total(), prices.VALKEY_UNIT),
        # A message is sent, received and deleted.
        Line("SQS, requests", 3 * (_sends(work) + _publishes(work)), prices.SQS_REQUEST),
        Line("SNS, publishes", _publishes(work), prices.SNS_PUBLISH),
        Line("API Gateway, requests", work.invocations["APIHandler"], prices.REST_REQUEST),
        Line("SES, mails", work.calls_of("ses").total(), prices.MAIL),
        Line("CloudWatch Logs, bytes", work.log_bytes, prices.LOG_BYTE),
    ]


def total(lines: Sequence[Line]) -> float:
    """The sum of a bill in dollars."""
    return sum(line.usd for line in lines)


def _sends(work: Work) -> int:
    return work.calls_of("sqs")["SendMessage"]


def _publishes(work: Work) -> int:
    return work.calls_of("sns")["Publish"]


def monthly(alarm_metrics: int) -> list[Line]:
    """What a stage with a network and a cache of its own costs a month when nobody books."""
    hours = prices.HOURS_A_MONTH
    return [
        Line("ElastiCache, the least that is billed, GB-hours", prices.VALKEY_GB_MIN * hours, prices.VALKEY_GB_HOUR),
        Line("VPC, hours of the interface endpoint in two zones", 2 * hours, prices.ENDPOINT_HOUR),
        Line("CloudWatch, metrics that alarms watch", alarm_metrics, prices.ALARM_METRIC_MONTH),
        Line("CloudWatch, dashboard", 1, prices.DASHBOARD_MONTH),
        Line("KMS, the topics' key", 1, prices.KEY_MONTH),
        # Five pollers a queue, each with a request of twenty seconds, two queues.
        Line("SQS, requests of Lambda's pollers", 2 * 5 * 3 * 60 * hours, prices.SQS_REQUEST),
        # Once a minute; it asks three functions, and each of those an index of four shards.
        Line("Lambda, invocations of the reconciler and what it asks", 4 * 60 * hours, prices.INVOCATION),
    ]
