"""Valkey killed and Valkey frozen when a state is entered: for real, so for all bookings at once.

Each booking is brought to its state and held at a gate there. Then Valkey goes, the gates open, and every booking has
to come to its end without it. Nobody else is at work meanwhile.
"""

import json
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from tests.fault import check
from tests.fault.booking import Booking, Flight
from tests.fault.cases import Case, Result
from tests.fault.local import Local
from tests.fault.run import Runner
from tests.fault.saga_file import BOOKING, Saga

_PATIENCE_S = 120
"""A function that waits at its gate must not run out of time; the saga waits longer than the function, as ever."""
_AT_A_TIME = 8


@dataclass
class _Held:
    case: Case
    flight: Flight
    booking: Booking
    arn: str


def run(runner: Runner, cases: list[Case], tell: Callable[[Result], None]) -> list[Result]:
    """All cases with an outage. Payments come through a queue that LocalStack reads with one poller, so a booking that
    is held there holds up every other: those cases go one by one."""
    by_queue = [case for case in cases if runner.sagas[case.saga].states[case.state].calls == "queue"]
    others = [case for case in cases if case not in by_queue]
    results: list[Result] = []
    with _patience(runner.local, runner.sagas[BOOKING]):
        for how in ("frozen", "killed"):
            results += _together(runner, how, [case for case in others if case.trouble.outage == how], tell)
        for case in by_queue:
            results += _together(runner, case.trouble.outage, [case], tell)
    return results


def _together(runner: Runner, how: str, cases: list[Case], tell: Callable[[Result], None]) -> list[Result]:
    if not cases:
        return []
    began_s = time.monotonic()
    # Those with the longest way go first, so that nobody waits at a gate for longer than a function may.
    ordered = sorted(cases, key=lambda case: -case.expected.path.index(case.state))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        held = list(pool.map(lambda case: _bring_to_gate(runner, case), ordered))
    with _without_valkey(runner, how):
        for one in held:
            one.booking.open_gate()
        for one in held:
            if one.case.pays_late:
                one.booking.pay(one.arn)
        for one in held:
            runner.watch.wait(one.arn)
    results = []
    for one in held:
        found = runner.look(one.case, one.booking, one.arn)
        results.append(Result(one.case, found, one.booking.booking_id, time.monotonic() - began_s))
    results[-1].violations.extend(_bags(held))
    for result in results:
        tell(result)
    return results


def _bring_to_gate(runner: Runner, case: Case) -> _Held:
    flight = runner.flights.get()
    booking = runner.booking(case, flight)
    runner.flights.put(flight)  # only the seat is this case's own: nobody counts bags before all have ended
    arn = runner.start(case, booking)
    if case.pays:
        booking.pay(arn)
    booking.wait_at_gate(arn)
    return _Held(case, flight, booking, arn)


def _bags(held: list[_Held]) -> Iterator[str]:
    flights = {one.flight.flight_id: one.flight for one in held}
    for flight_id, flight in flights.items():
        yield from check.of_the_bags(flight, [one.booking for one in held if one.flight.flight_id == flight_id])


@contextmanager
def _without_valkey(runner: Runner, how: str) -> Iterator[None]:
    valkey = runner.local.valkey
    valkey.signal(signal.SIGSTOP if how == "frozen" else signal.SIGKILL)
    try:
        yield
    finally:
        if how == "frozen":
            valkey.signal(signal.SIGCONT)
        else:
            valkey.start()


@contextmanager
def _patience(local: Local, saga: Saga) -> Iterator[None]:
    """Functions and states with time to wait at a gate."""
    patient = json.loads(json.dumps(saga.definition))
    for state in patient["States"].values():
        if "TimeoutSeconds" in state:
            state["TimeoutSeconds"] = _PATIENCE_S + 10
    before = local.give_time({name: _PATIENCE_S for name in local.functions if name in json.dumps(patient)})
    before |= local.give_time({"CarryOutPayments": _PATIENCE_S})
    local.use_saga(BOOKING, patient)
    try:
        yield
    finally:
        local.use_saga(BOOKING, saga.definition)
        local.give_time(before)
