"""Contention, measured: ``python -m tests.benchmarks.performance.storm``."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from leleka.stack import RunningStack
from tests.benchmarks.performance.part import Part, hand_over
from tests.benchmarks.performance.storm.crew import Crew
from tests.benchmarks.performance.storm.measures import Storm
from tests.benchmarks.performance.storm.report import DATABASE_ONLY, KINDS, WITH_LOCK, Kind, Results, part
from tests.benchmarks.performance.storm.verdicts import deviations
from tests.benchmarks.performance.storm.world import World, crowd, servers, variables

PROCESSES = 16
_SEED = 180


def measure() -> Part:
    """All storms, the variants in turn, and the part of the page."""
    results: Results = {kind: {WITH_LOCK: [], DATABASE_ONLY: []} for kind in KINDS}
    with servers() as running, _crews(running) as crews:
        world, order = World(running), random.Random(_SEED)
        for variant, crew in crews.items():
            _storm(Kind(PROCESSES * 2, PROCESSES, 1), f"warm-{variant}", crew, world, order)
        for kind, variants in results.items():
            for turn in range(kind.times):
                # Who begins changes, so that no variant always comes first or after the other.
                for variant in sorted(variants, reverse=turn % 2 == 1):
                    flight_id = f"{variant}-{kind.customers}-{turn}"
                    variants[variant].append(_storm(kind, flight_id, crews[variant], world, order))
    return part(results, PROCESSES, _SEED)


@contextmanager
def _crews(running: RunningStack) -> Iterator[Mapping[str, Crew]]:
    """The same code twice: with the lock of these servers, and without any."""
    urls = {WITH_LOCK: running.lock_url, DATABASE_ONLY: "none:"}
    crews = {variant: Crew(PROCESSES, variables(running, url)) for variant, url in urls.items()}
    try:
        yield crews
    finally:
        for crew in crews.values():
            crew.close()


def _storm(kind: Kind, flight_id: str, crew: Crew, world: World, order: random.Random) -> Storm:
    seats = world.put_on_sale(flight_id, kind.seats)
    before = world.commands()
    shares = crew.reserve(crowd(flight_id, seats, kind.customers, order))
    commands = world.commands() - before
    verdicts = [verdict for share in shares for verdict in share.verdicts]
    return Storm(
        verdicts=verdicts,
        began_at_s=min(share.began_at_s for share in shares),
        cpu_s=sum(share.cpu_s for share in shares),
        requests=sum((share.requests for share in shares), Counter()),
        commands=commands,
        wrong=deviations(verdicts, world.aftermath(flight_id)),
    )


if __name__ == "__main__":
    hand_over(measure)
