"""What a booking does, counted: by story, beside two public samples, and in money."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.benchmarks.performance.express import HOLD_STEPS, nested
from tests.benchmarks.performance.part import Part, hand_over, say
from tests.benchmarks.performance.samples import SAMPLES
from tests.benchmarks.work import cost, prices
from tests.benchmarks.work.counted import Work
from tests.benchmarks.work.measured import measure as measure_work
from tests.benchmarks.work.report import work_table

_HERE = Path(__file__).parent
_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}


def measure() -> Part:
    """Tells each story on a stage of its own, and counts."""
    return part(measure_work(say).bookings)


def part(bookings: Mapping[str, Work]) -> Part:
    """The figures and the section, from the work of each story."""
    happy, refused = bookings["confirmed"], bookings["seat taken"]
    usd = cost.total(cost.booking(happy)) * prices.MILLION
    figures = {
        "transitions_happy": happy.transitions,
        "invocations_happy": happy.invocations.total(),
        "redis_cmds_refusal": refused.redis.total(),
        "ddb_writes_refusal": writes_of(refused, "ReserveSeat"),
        "usd_per_million_bookings": round(usd, 2),
    }
    variant = nested(happy)
    section = (
        (_HERE / "counts.md")
        .read_text()
        .format(
            **figures,
            work_table="\n".join(work_table(bookings)),
            beside="\n".join(_beside(bookings)),
            samples="\n".join(f"* *{sample.name}* ({sample.source}): {sample.has}." for sample in SAMPLES),
            hold_steps=", ".join(HOLD_STEPS),
            transitions=variant.transitions,
            gain=variant.gain_usd * prices.MILLION,
            saved=variant.saved_usd * prices.MILLION,
            express=variant.express_usd * prices.MILLION,
        )
    )
    return Part(figures, section, spreads={"usd_per_million_bookings": "counts, and what this run's functions took"})


def writes_of(work: Work, function: str) -> int:
    """How many requests of this function write to DynamoDB, whether or not their conditions hold."""
    return sum(
        number
        for call, number in work.calls.items()
        if call.caller == function and call.name.removeprefix("dynamodb:") in _WRITES
    )


def _beside(bookings: Mapping[str, Work]) -> Iterator[str]:
    yield "| | transitions | invocations | DynamoDB requests |"
    yield "|---|--:|--:|--:|"
    for way, story in (("confirmed", "confirmed"), ("declined", "card declined")):
        work = bookings[story]
        yield f"| Leleka, {way} | {work.transitions} | {work.invocations.total()} | {work.dynamodb_requests} |"
        for sample in SAMPLES:
            counts = sample.confirmed if way == "confirmed" else sample.declined
            yield f"| {sample.name}, {way} | {' | '.join(map(str, counts))} |"


if __name__ == "__main__":
    hand_over(measure)
