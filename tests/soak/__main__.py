"""The soak run. ``SOAK_SECONDS`` (default 180) is how long something dies, ``SOAK_SEED`` repeats its faults.

Then it is quiet: the customers learn what became of their bookings, sagas end, the reconciler looks once, and the
promises are checked. The last line on standard output is one JSON object; exit code 0 if no promise is broken.
"""

import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from leleka import deploy, seed
from leleka.paths import PROJECT
from leleka.stack import RunningStack, StackConfig, temporary_stack
from leleka.stack.config import free_ports
from leleka.stage import LOCAL, Aws, Stage
from tests.functional.customer import eventually
from tests.promises import Promises
from tests.soak import chart
from tests.soak.customers import Crowd
from tests.soak.faults import Valkey, inject, running_valkey

CUSTOMERS = 6
QUIET_S = 300.0
SETTINGS = {
    "LockTimeoutMs": "500",
    "HoldTtlSeconds": "30",
    "HoldTotalSeconds": "120",
    "PaymentVisibilitySeconds": "10",
    "DueGraceSeconds": "5",
    "PaymentDueSeconds": "5",
    "LockDueSeconds": "5",
    "DueLeaseSeconds": "5",
}
"""Times of seconds instead of minutes, so that whatever is left over is due when the run ends."""


def main() -> int:
    """Runs it all; 0 if every promise holds."""
    seconds = float(os.environ.get("SOAK_SECONDS") or 180)
    seed_ = int(os.environ.get("SOAK_SEED") or random.randrange(2**32))
    say(f"SOAK_SEED={seed_} SOAK_SECONDS={seconds:g}")
    with running_system() as (stage, running, valkey):
        endings, faults = storm(stage, running, valkey, seed_, seconds)
        promises = Promises(stage)
        come_to_rest(stage, promises)
        violations = broken(promises)
        statuses = Counter(row["status"] for row in promises.rows("BookingsTable"))
    confirmed, refused = (sum((what == "CONFIRMED") is wanted for _, what in endings) for wanted in (True, False))
    lasted_s = max([seconds, *(at_s for at_s, _ in endings)])  # the last ones end when nothing dies any more
    title = f"{confirmed} bookings confirmed, {refused} refused, {len(faults)} faults in {seconds:g} s, per 5 s"
    (PROJECT / "docs" / "soak.svg").write_text(chart.draw(endings, faults, lasted_s, title))
    say(f"bookings at the end: {dict(statuses)}; faults: {dict(Counter(kind for _, kind in faults))}; docs/soak.svg")
    for violation in violations:
        say(violation)
    result = {
        "bookings": statuses.total(),
        "confirmed": confirmed,
        "faults": len(faults),
        "violations": len(violations),
    }
    print(json.dumps(result))  # noqa: T201 - the result
    return 1 if violations or not confirmed or not faults else 0


@contextmanager
def running_system() -> Iterator[tuple[Stage, RunningStack, Valkey]]:
    """A stack of its own, whose lock server is one that may die."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        packaging = pool.submit(deploy.package, LOCAL)
        port = free_ports(1)[0]
        with (
            running_valkey(port, Path(folder)) as valkey,
            temporary_stack(StackConfig(Path(folder) / "stack")) as running,
        ):
            aws, url = Aws(LOCAL, running.gateway_url), f"redis://127.0.0.1:{port}/0"
            stage = deploy.deploy(aws, url, packaged=packaging.result(), **SETTINGS)
            seed.seed(stage)
            yield stage, running, valkey


def storm(
    stage: Stage, running: RunningStack, valkey: Valkey, seed_: int, seconds: float
) -> tuple[list[chart.Mark], list[chart.Mark]]:
    """Customers and faults until the time is over; how bookings ended, and what died, each with its time."""
    began_s = time.monotonic()
    endings: list[chart.Mark] = []
    faults: list[chart.Mark] = []
    crowd = Crowd(stage, seed_, CUSTOMERS, lambda status: endings.append((time.monotonic() - began_s, status)))
    crowd.start()
    try:
        for kind in inject(seed_, running.processes["localstack"].pid, valkey, began_s + seconds):
            faults += [(time.monotonic() - began_s, kind)]
    finally:
        say("quiet: nothing dies any more")
        crowd.leave()
    for trouble in crowd.troubles:
        say(f"a customer gave up: {trouble}")
    return endings, [fault for fault in faults if fault[0] <= seconds + chart.BUCKET_S]


def come_to_rest(stage: Stage, promises: Promises) -> None:
    """Sagas end; the reconciler looks at what is due; what it settles ends; locks of the dead run out."""
    eventually(lambda: not _at_work(stage), "sagas do not end", QUIET_S)
    time.sleep(float(SETTINGS["DueLeaseSeconds"]) + 1)  # until all that is left over is due
    answer = stage.aws.client("lambda").invoke(FunctionName=stage.outputs["Reconcile"], Payload='{"trigger": "soak"}')
    told = json.loads(answer["Payload"].read())
    say(f"reconciled: { {name: len(found) for name, found in told.items() if isinstance(found, list)} or told }")
    eventually(lambda: not _at_work(stage), "settlements do not end", QUIET_S)
    eventually(lambda: not promises.locks(), "locks outlive their time", float(SETTINGS["HoldTtlSeconds"]) + 10)


def broken(promises: Promises) -> list[str]:
    """The promise that is broken, if one is."""
    try:
        promises.hold()
    except AssertionError as violation:
        return [str(violation)]
    return []


def say(message: str) -> None:
    """Words for the user, on stderr."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201 - a command line


def _at_work(stage: Stage) -> bool:
    machines = (stage.saga_arn, stage.outputs["CancellationSagaArn"])
    return any(
        stage.orchestrator.list_executions(stateMachineArn=arn, statusFilter="RUNNING", maxResults=1)["executions"]
        for arn in machines
    )


if __name__ == "__main__":
    sys.exit(main())
