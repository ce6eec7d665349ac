"""AWS's limits, as its documentation has them. Looked up in November 2026 in stored copies of the pages named; look
them up again before you rely on one."""

from typing import NamedTuple


class Limit(NamedTuple):
    """A limit: in the three large regions (N. Virginia, Oregon, Ireland) and in a smaller one such as Frankfurt."""

    large: float
    small: float
    source: str


_STEP_FUNCTIONS = "Step Functions service quotas"
TRANSITIONS_PER_S = Limit(5_000, 800, _STEP_FUNCTIONS)
STARTS_PER_S = Limit(300, 150, _STEP_FUNCTIONS)
TASK_SUCCESSES_PER_S = Limit(500, 300, _STEP_FUNCTIONS)
HISTORIES_PER_S = Limit(20, 20, _STEP_FUNCTIONS)
OPEN_EXECUTIONS = Limit(1_000_000, 1_000_000, _STEP_FUNCTIONS)
CONCURRENCY = Limit(1_000, 1_000, "Lambda quotas")
API_PER_S = Limit(10_000, 10_000, "API Gateway quotas")
SNS_PER_S = Limit(9_000, 1_500, "Amazon SNS endpoints and quotas")
MAILS_PER_S = Limit(14, 14, "Amazon SES sending quotas, of a new production account")
SLOT_PER_S = Limit(30_000, 30_000, "ElastiCache quotas, ECPU per slot")
TABLE_WRITES_PER_S = Limit(40_000, 40_000, "DynamoDB quotas, on-demand, per table")
NEW_TABLE_WRITES_PER_S = Limit(4_000, 4_000, "DynamoDB on-demand capacity, of a new table")
PARTITION_WRITES_PER_S = 1_000
PARTITION_READS_PER_S = 3_000
