"""The list of what a rate of bookings needs of everything that AWS limits."""

from tests.benchmarks.performance.scale import counts, limits
from tests.benchmarks.performance.scale.arithmetic import Need, OwnTime, concurrency, duration_ms
from tests.benchmarks.performance.scale.assumptions import FAST_SAGA_S, HOLD_S, PAGE_REQUESTS, SAGA_LOOKS


def needs(rate: float, own: OwnTime) -> list[Need]:
    """For so many bookings a second."""
    of_api = sum(PAGE_REQUESTS.values())
    return [
        _each("Step Functions, StartExecution a second", 1, rate, limits.STARTS_PER_S),
        _each("Step Functions, state transitions a second", counts.TRANSITIONS, rate, limits.TRANSITIONS_PER_S),
        _each("Step Functions, SendTaskSuccess a second", counts.TASK_SUCCESSES, rate, limits.TASK_SUCCESSES_PER_S),
        _each("Step Functions, GetExecutionHistory a second", SAGA_LOOKS, rate, limits.HISTORIES_PER_S),
        _each("Step Functions, open executions, all paid at once", FAST_SAGA_S, rate, limits.OPEN_EXECUTIONS),
        _each("Step Functions, open executions, all held to the end", HOLD_S, rate, limits.OPEN_EXECUTIONS),
        _lambda(rate, own),
        _each("API Gateway, requests a second", of_api, rate, limits.API_PER_S),
        _each("SNS, publishes a second", counts.SNS_PUBLISHES, rate, limits.SNS_PER_S),
        _each("SES, mails a second", counts.MAILS, rate, limits.MAILS_PER_S),
        _each("Valkey, ECPUs a second, even if all were one slot", counts.REDIS_COMMANDS, rate, limits.SLOT_PER_S),
        _each("DynamoDB, write units a second, the busiest table", _busiest(), rate, limits.NEW_TABLE_WRITES_PER_S),
    ]


def _each(what: str, per_booking: float, rate: float, limit: limits.Limit) -> Need:
    return Need(what, f"{per_booking:g} a booking", per_booking * rate, limit)


def _lambda(rate: float, own: OwnTime) -> Need:
    total_ms = sum(duration_ms(function, own) for function in counts.FUNCTIONS)
    arithmetic = f"{total_ms / 1000:.2f} s a booking"
    return Need("Lambda, concurrent executions", arithmetic, concurrency(rate, total_ms), limits.CONCURRENCY)


def _busiest() -> int:
    return max(table.writes + table.index_writes for table in counts.TABLES)
