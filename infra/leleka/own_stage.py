"""A stage that nobody else uses, for as long as a block runs: LocalStack, Valkey and the whole system, seeded."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from leleka import deploy, seed
from leleka.stack import StackConfig, temporary_stack
from leleka.stage import LOCAL, Aws, Stage

LOCK_TIMEOUT_MS = "500"
"""How long the lock's server may take there: two busy cores answer later than a network would."""


@contextmanager
def own_stage(state_dir: Path) -> Iterator[Stage]:
    """The stage, deployed and seeded on free ports, and ended with the block. Packaging needs no stack, so it runs
    while that one starts.

    Raises:
        StackError, DeployError, SeedError: see :mod:`leleka.stack`, :mod:`leleka.deploy`, :mod:`leleka.seed`.
    """
    with ThreadPoolExecutor(1) as pool:
        packaging = pool.submit(deploy.package, LOCAL)
        with temporary_stack(StackConfig(state_dir)) as running:
            aws = Aws(LOCAL, running.gateway_url)
            packaged = packaging.result()
            stage = deploy.deploy(aws, running.valkey_url, packaged=packaged, LockTimeoutMs=LOCK_TIMEOUT_MS)
            seed.seed(stage)
            yield stage
