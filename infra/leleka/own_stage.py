"""A stage that nobody else uses, for as long as a block runs: LocalStack, Valkey and the whole system, seeded."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from leleka import deploy, seed
from leleka.stack import RunningStack, StackConfig, StackError, find, temporary_stack
from leleka.stage import LOCAL, Aws, Stage

LOCK_TIMEOUT_MS = "500"
"""How long the lock's server may take there: two busy cores answer later than a network would."""


@contextmanager
def own_stage(state_dir: Path, call_trail: Path | None = None) -> Iterator[Stage]:
    """The stage, deployed and seeded on free ports, and ended with the block. Packaging needs no stack, so it runs
    while that one starts. ``call_trail`` is where the AWS calls of functions and state machines are recorded.

    Raises:
        StackError, DeployError, SeedError: see :mod:`leleka.stack`, :mod:`leleka.deploy`, :mod:`leleka.seed`.
    """
    with ThreadPoolExecutor(1) as pool:
        packaging = pool.submit(deploy.package, LOCAL)
        with temporary_stack(StackConfig(state_dir, call_trail=call_trail)) as running:
            yield _deployed(running, packaging.result())


def stage_in_docker() -> Stage:
    """The stage on the stack that runs in Docker, deployed and seeded; ``LELEKA_STACK`` has chosen it.

    Raises:
        StackError, DeployError, SeedError: as above; the first one also if no stack runs in Docker.
    """
    running = find(StackConfig.from_environment())
    if running is None:
        raise StackError("no stack runs in Docker; run: LELEKA_STACK=docker leleka up")
    return _deployed(running, deploy.package(LOCAL))


def _deployed(running: RunningStack, packaged: deploy.Package) -> Stage:
    aws = Aws(LOCAL, running.gateway_url, running.valkey_url)
    stage = deploy.deploy(aws, running.lock_url, packaged=packaged, LockTimeoutMs=LOCK_TIMEOUT_MS)
    seed.seed(stage)
    return stage
