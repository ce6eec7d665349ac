"""The timed rounds: every lock in each, in an order of its own each time."""

import gc
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.locks.competitor import Competitor, Entry
from tests.benchmarks.locks.measures import Results, Rounds, commands_of_one
from tests.benchmarks.locks.nodes import Nodes

ROUNDS = 100
_BATCH_S = 0.01
"""About how long a lock is measured in one round."""
_SMALLEST_BATCH, _LARGEST_BATCH = 4, 200
_WARM_UP = 20
_COUNTED = 50


@dataclass
class _Job:
    """One lock and one operation."""

    entry: Entry
    competitor: Competitor
    refused: bool
    rounds: Rounds
    batch: int = _WARM_UP


class Interleaved:
    """One run: fresh names and fresh tokens for every operation."""

    def __init__(self, entries: Sequence[Entry], nodes: Nodes, seed: int) -> None:
        self._random = random.Random(seed)
        self._nodes = nodes
        self._serial = 0
        self.results = Results()
        self._jobs: list[_Job] = []
        for entry in entries:
            competitor = entry.make(nodes.ports[: entry.nodes], None)
            self._jobs.append(_Job(entry, competitor, refused=False, rounds=self.results.pairs))
            if entry.watches is None:
                self._jobs.append(_Job(entry, competitor, refused=True, rounds=self.results.refusals))

    def run(self, rounds: int = ROUNDS) -> Results:
        """Warms up, measures, then counts commands."""
        for job in self._jobs:
            self._once(job)
            took_s = self._once(job) / job.batch
            job.batch = min(max(round(_BATCH_S / took_s), _SMALLEST_BATCH), _LARGEST_BATCH)
        start_s, start_cpu_s = time.monotonic(), self._nodes.cpu_s()
        for _ in range(rounds):
            self._round()
        self.results.core_share = (self._nodes.cpu_s() - start_cpu_s) / (time.monotonic() - start_s)
        for job in self._jobs:
            self._count(job)
        for job in self._jobs:
            if not job.refused:
                job.competitor.close()
        return self.results

    def _round(self) -> None:
        self._random.shuffle(self._jobs)
        gc.collect()
        for job in self._jobs:
            job.rounds.add(job.entry.name, self._once(job) / job.batch * 1e6)
        self._nodes.empty()

    def _once(self, job: _Job) -> float:
        names, tokens = self._fresh(job.batch)
        if job.refused:
            self._nodes.hold(names, job.competitor.prefix, job.entry.nodes)
        operation = job.competitor.refusals if job.refused else job.competitor.pairs
        start_s = time.perf_counter()
        operation(names, tokens)
        took_s = time.perf_counter() - start_s
        job.competitor.settle()
        return took_s

    def _count(self, job: _Job) -> None:
        job.batch = _COUNTED
        names, tokens = self._fresh(_COUNTED)
        if job.refused:
            self._nodes.hold(names, job.competitor.prefix, job.entry.nodes)
        before = self._nodes.calls()
        (job.competitor.refusals if job.refused else job.competitor.pairs)(names, tokens)
        job.competitor.settle()
        counted = commands_of_one(before, self._nodes.calls(), _COUNTED)
        (self.results.refusal_commands if job.refused else self.results.pair_commands)[job.entry.name] = counted

    def _fresh(self, count: int) -> tuple[list[str], list[str]]:
        """Seats of a flight that nobody asked for before, and ids of bookings."""
        self._serial += 1
        names = [f"seat:KBP-BCN-{self._serial}:{number}A:lock" for number in range(count)]
        return names, [f"{self._random.getrandbits(128):032x}" for _ in names]
