"""The demonstration: one seat sold, one customer refused, one booking rolled back, on a stack of its own."""

import json
import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import redis
import typer
from rich.console import Console

from leleka import journey
from leleka.api_client import ApiClient, BookingRequest
from leleka.deploy import deploy, package
from leleka.journey import Ending
from leleka.paths import PROJECT
from leleka.seed import seed
from leleka.stack import StackConfig, temporary_stack
from leleka.stage import LOCAL, Aws, Stage
from leleka.terminal import CommandError, stdout

FLIGHT = "KBP-BCN-0615"
SEAT = "12A"
OTHER_SEAT = "12B"
ROLLBACK = ["ReleaseBaggage", "ReleaseSeat", "CancelBooking"]
_SAGA_TIMEOUT_S = 90.0
_LOCK_TIMEOUT_S = 2.0
_LOCK_TIMEOUT_MS = "500"  # two busy cores answer later than a network would


class DemoFailed(CommandError):
    """Something came out otherwise than promised; the message says what."""


def run(timeout_s: float) -> None:
    """Runs the demonstration; its last line on stdout is JSON. The stack ends with it, however it ends.

    Raises:
        DemoFailed: an outcome differs, or it took longer than ``timeout_s``.
        StackError, DeployError, SeedError, ApiError, FollowError: that part did not work.
    """
    started = time.monotonic()
    with _bounded(timeout_s), _own_stage(stdout()) as stage, ApiClient(stage.api_url) as api:
        result = show(stage, api, stdout())
    typer.echo(json.dumps({**result, "seconds": round(time.monotonic() - started, 1)}))


def show(stage: Stage, api: ApiClient, console: Console) -> dict[str, str | list[str]]:
    """The three bookings on a deployed and seeded stage; returns what came of each.

    Raises:
        DemoFailed: an outcome differs.
        ApiError, FollowError: a booking could not be made or followed.
    """
    _title(console, f"1. Olena books seat {SEAT} with one bag; her card is good.")
    sold = _book(stage, api, console, SEAT, "Olena", "pm_approved")
    _expect(sold.booking.status, "CONFIRMED", "Olena's booking")

    _title(console, f"2. Taras wants the same seat {SEAT}. It is sold, so he is refused, and nothing of his is kept.")
    refused = _book(stage, api, console, SEAT, "Taras", "pm_approved")
    _expect(refused.booking.status, "CANCELLED", "Taras's booking")
    _expect(refused.booking.reason, "SeatTaken", "the reason of the refusal")

    _title(console, f"3. Ivan takes seat {OTHER_SEAT} and a bag, but the bank declines his card.")
    console.print("   What was done so far is undone in reverse: the bag, the seat with its lock, the booking.")
    undone = _book(stage, api, console, OTHER_SEAT, "Ivan", "pm_declined")
    _expect(undone.booking.status, "CANCELLED", "Ivan's booking")
    _expect(undone.timeline.rolled_back, ROLLBACK, "the rollback in the execution history")

    _title(console, f"4. Seat {OTHER_SEAT} is free for the next customer.")
    _show_seats(stage, api, console)
    return {
        "confirmed": sold.booking.booking_id,
        "refused": refused.booking.booking_id,
        "rolled_back": undone.timeline.rolled_back,
    }


@contextmanager
def _own_stage(console: Console) -> Iterator[Stage]:
    """A seeded stage on a stack that nobody else uses. Packaging needs no stack, so it runs while that one starts."""
    config = StackConfig(PROJECT / ".leleka" / "demo")
    _title(console, "Leleka sells air tickets as a saga: every step can be undone. First, an AWS of our own:")
    with ThreadPoolExecutor(1) as pool:
        packaging = pool.submit(package, LOCAL)
        console.print("   starting LocalStack (AWS on this machine) and Valkey (the seat locks)")
        with temporary_stack(config) as stack:
            packaged = packaging.result()
            console.print("   deploying the functions, the state machine, the tables and the queues")
            aws = Aws(LOCAL, stack.gateway_url)
            stage = deploy(aws, stack.valkey_url, packaged=packaged, LockTimeoutMs=_LOCK_TIMEOUT_MS)
            report = seed(stage)
            console.print(f"   put {report.flights} flights with {report.seats} seats on sale")
            yield stage
            console.print("   stopping what was started")


def _book(stage: Stage, api: ApiClient, console: Console, seat: str, name: str, payment_method: str) -> Ending:
    request = BookingRequest(FLIGHT, seat, name, f"{name.lower()}@example.com", 1, payment_method)
    booking = api.book(request, str(uuid.uuid4()))
    ending = journey.watch(stage, api, booking.booking_id, _SAGA_TIMEOUT_S, console)
    console.print(f"   {journey.summary(ending)}", style="bold", soft_wrap=True)
    return ending


def _show_seats(stage: Stage, api: ApiClient, console: Console) -> None:
    status = {seat.seat: seat.status for seat in api.seats(FLIGHT)}
    key = f"seat:{FLIGHT}:{OTHER_SEAT}:lock"
    owner = _lock_owner(stage.lock_url, key)
    console.print(f"   seat map: {SEAT} is {status.get(SEAT)}, {OTHER_SEAT} is {status.get(OTHER_SEAT)}")
    console.print(f"   lock {key}: {'held' if owner else 'not there'}", soft_wrap=True)
    _expect(status.get(SEAT), "SOLD", f"seat {SEAT}")
    _expect(status.get(OTHER_SEAT), "AVAILABLE", f"seat {OTHER_SEAT}")
    _expect(owner, None, f"the lock of seat {OTHER_SEAT}")


def _lock_owner(lock_url: str, key: str) -> object:
    try:
        with redis.Redis.from_url(
            lock_url, socket_timeout=_LOCK_TIMEOUT_S, socket_connect_timeout=_LOCK_TIMEOUT_S
        ) as client:
            return client.get(key)
    except redis.RedisError as error:
        raise DemoFailed(f"the lock server did not answer: {error}") from error


def _expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise DemoFailed(f"{what} should be {wanted} and is {found}")


def _title(console: Console, text: str) -> None:
    console.print(f"\n{text}", style="bold cyan")


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
