"""The demonstration: the acts on a stack of its own, bounded in time, with one line of JSON at the end."""

import json
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NoReturn

import typer
from rich.console import Console

from leleka import demo_acts
from leleka.api_client import ApiClient
from leleka.demo_acts import DemoFailed
from leleka.deploy import Package, deploy, package
from leleka.paths import PROJECT
from leleka.seed import seed
from leleka.stack import StackConfig, temporary_stack
from leleka.stage import LOCAL, Aws, Stage
from leleka.terminal import stdout

_LOCK_TIMEOUT_MS = "500"  # two busy cores answer later than a network would
_KEYS = ("confirmed", "refused", "rolled_back", "seconds", "paid_hold", "expired_hold")


def run(timeout_s: float) -> None:
    """Runs the demonstration; its last line on stdout is JSON. The stack ends with it, however it ends.

    Raises:
        DemoFailed: an outcome differs, or it took longer than ``timeout_s``.
        StackError, DeployError, SeedError, ApiError, FollowError: that part did not work.
    """
    started = time.monotonic()
    console = stdout()
    with _bounded(timeout_s), _own_stage(console) as (stage, shorten_holds), ApiClient(stage.api_url) as api:
        result = demo_acts.show(stage, api, console, shorten_holds)
    told = {**result, "seconds": round(time.monotonic() - started, 1)}
    typer.echo(json.dumps({key: told[key] for key in _KEYS}))


@contextmanager
def _own_stage(console: Console) -> Iterator[tuple[Stage, Callable[[], object]]]:
    """A seeded stage on a stack that nobody else uses, and how to give it short holds. Packaging needs no stack, so it
    runs while that one starts."""
    config = StackConfig(PROJECT / ".leleka" / "demo")
    demo_acts.title(console, "Leleka sells air tickets as a saga: every step can be undone. First, an AWS of our own:")
    with ThreadPoolExecutor(1) as pool, TemporaryDirectory(prefix="leleka-demo-") as folder:
        packaging = pool.submit(package, LOCAL)
        console.print("   starting LocalStack (AWS on this machine) and Valkey (the seat locks)")
        with temporary_stack(config) as stack:
            packaged = packaging.result()
            again = _copy(packaged, Path(folder) / "package")
            console.print("   deploying the functions, the state machine, the tables and the queues")
            aws = Aws(LOCAL, stack.gateway_url)
            stage = deploy(aws, stack.valkey_url, packaged=packaged, LockTimeoutMs=_LOCK_TIMEOUT_MS)
            report = seed(stage)
            console.print(f"   put {report.flights} flights with {report.seats} seats on sale")
            short = {"LockTimeoutMs": _LOCK_TIMEOUT_MS, "HoldTtlSeconds": str(demo_acts.SHORT_HOLD_S)}
            yield stage, lambda: deploy(aws, stack.valkey_url, packaged=again, **short)
            console.print("   stopping what was started")


def _copy(packaged: Package, folder: Path) -> Package:
    """The same package once more: a deployment removes the one that it was given."""
    shutil.copytree(packaged.code.parent, folder)
    return Package(packaged.stage, folder / packaged.template.name, folder / packaged.code.name)


@contextmanager
def _bounded(timeout_s: float) -> Iterator[None]:
    """Ends the block by an exception, so that its clean-up runs, when the time is over or a signal asks for it."""

    def out_of_time(_number: int, _frame: FrameType | None) -> NoReturn:
        raise DemoFailed(f"the demonstration did not end within {timeout_s:g} s")

    def asked_to_end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    handlers = {signal.SIGALRM: out_of_time, signal.SIGTERM: asked_to_end, signal.SIGHUP: asked_to_end}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
