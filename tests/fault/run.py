"""Runs cases: prepares what they need, starts their sagas, does what their customers do, and checks what came of it."""

import json
import queue
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import redis

from chalicelib.shared.dynamo import to_item
from tests.fault import check
from tests.fault.booking import Booking, Flight, Inputs, see_inputs
from tests.fault.cases import Case, Result
from tests.fault.local import BAGS, Local, flight_id
from tests.fault.saga_file import BOOKING, CANCELLATION, load
from tests.fault.watch import Watch, until

WORKERS = 14
_NO_TOPIC = "arn:aws:sns:eu-central-1:000000000000:not-there"


class Runner:
    """Runs cases on one stack. Each of the flights serves one case at a time."""

    def __init__(self, local: Local, flights: int) -> None:
        self.local = local
        self.flights: queue.Queue[Flight] = queue.Queue()
        for number in range(flights):
            self.flights.put(Flight(flight_id(number)))
        self.watch = Watch(local)
        self.sagas = {name: load(name) for name in (BOOKING, CANCELLATION)}
        self.valkey = redis.Redis.from_url(local.valkey.url, socket_timeout=5)
        first = self.flights.get()
        self.inputs: Inputs = see_inputs(local, first)
        next(first.seats)
        self.flights.put(first)

    def run(self, cases: Iterable[Case], tell: Callable[[Result], None]) -> list[Result]:
        """All of them, the long ones first, as many at a time as there are flights."""
        ordered = sorted(cases, key=lambda case: -case.trouble.takes_s)
        pool = ThreadPoolExecutor(self.flights.qsize())
        try:
            return list(pool.map(lambda case: self.run_case(case, tell), ordered))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # who is interrupted does not wait for the cases

    def run_case(self, case: Case, tell: Callable[[Result], None]) -> Result:
        """One case, on a flight of its own."""
        flight, began_s = self.flights.get(), time.monotonic()
        booking = self.booking(case, flight)
        result = Result(case, booking_id=booking.booking_id)
        try:
            result.violations = self._run(case, booking, flight)
        except Exception as error:  # noqa: BLE001 - a case that can't be carried out is a violation, and the next one runs
            result.violations = [f"{type(error).__name__}: {error}"]
            list(check.of_the_bags(flight, [booking]))  # so that the flight's next case counts from what is there now
        finally:
            self.flights.put(flight)
        result.seconds = time.monotonic() - began_s
        tell(result)
        return result

    def booking(self, case: Case, flight: Flight) -> Booking:
        """The booking that the case is about."""
        bags = BAGS + 1 if case.trouble.prepare == "BaggageFull" else 1
        seat = "59K" if case.trouble.prepare == "SeatNotFound" else next(flight.seats)
        return Booking(self.local, self.inputs, self.watch, flight.flight_id, seat, case.method, bags)

    def _run(self, case: Case, booking: Booking, flight: Flight) -> list[str]:
        others = self._prepare(case, booking)
        arn = self.start(case, booking)
        if case.trouble.prepare == "HoldLost":
            others.append(self._let_the_hold_run_out(booking, arn))
        if case.pays:
            booking.pay(arn)
        if case.trouble.stopped:
            self._stop(case, booking, arn)
        self.watch.wait(arn)
        return [*self.look(case, booking, arn), *check.of_the_bags(flight, [booking, *others])]

    def forget_locks(self) -> None:
        """Removes what locks a break has left, so that they are not held against the next one."""
        self.valkey.flushdb()

    def start(self, case: Case, booking: Booking) -> str:
        """Places the booking, arms its faults and starts the saga that the case is about."""
        if case.saga == CANCELLATION:
            booking.book()
            booking.plan(case.faults)
            with self._following(case):
                return booking.cancel()
        if case.trouble.prepare != "BookingNotFound":
            booking.place()
        if case.trouble.prepare == "BookingClosed":
            self.local.call("CancelBooking", {"booking_id": booking.booking_id, "reason": "CancelledByCustomer"})
        booking.plan(case.faults)
        with self._following(case):
            return booking.start()

    def look(self, case: Case, booking: Booking, arn: str) -> list[str]:
        """What is wrong now that the saga has ended; what is stuck is driven again, as an operator would."""
        found: list[str] = []
        if case.trouble.kind and self._is_met_later(case):
            booking.wait_for_event(len(case.faults) - 1, case.faults[-1]["at"], mailed=not case.trouble.late)
        found += check.of_the_end(case, booking, arn)
        booking.lift()
        if case.trouble.late:
            booking.deliver_late(case.faults[-1]["at"])
        if case.expected.stuck:
            found += self._drive_again(booking)
        return [*found, *check.of_the_promises(booking, self.valkey, lock_may_stay=_lock_may_stay(case))]

    def _stop(self, case: Case, booking: Booking, arn: str) -> None:
        """Stops the execution while its state is at work, which then does its work; and has it looked for."""
        assert booking.wait_at_gate(arn), "the state was never entered"
        self.local.stage.orchestrator.stop_execution(executionArn=arn)
        booking.open_gate()
        until(lambda: booking.ended(case.faults[-1]["at"]) > 0, f"{booking.booking_id}: its step does not end")
        self.watch.wait(arn)
        answer = self.local.call("Reconcile", {"booking_id": booking.booking_id})
        assert "errorType" not in answer, answer
        for settlement in booking.settlements():
            self.watch.wait(settlement)

    def _drive_again(self, booking: Booking) -> list[str]:
        """As the operator would: the compensations once more, in a saga of their own."""
        self.watch.wait(booking.cancel("-redrive-1", redriven=True))
        if booking.row().get("status") == "NEEDS_ATTENTION":
            booking.settle()
        return []

    def _is_met_later(self, case: Case) -> bool:
        """Whether it is an event's fault, which may be met after the saga has ended."""
        return self.sagas[case.saga].states[case.state].calls == "topic"

    def _prepare(self, case: Case, booking: Booking) -> list[Booking]:
        """Brings about the refusal that the case is about; the other bookings that this takes."""
        prepare, state = case.trouble.prepare, case.state
        if prepare == "SeatTaken":
            other = replace(booking, key=f"{booking.key}-other", method="pm_approved", bags=0)
            other.book()
            return [other]
        if prepare == "AlreadyCompensated":
            booking.place()
            seat = {"lock_id": booking.row()["lock_id"], "flight_id": booking.flight_id, "seat": booking.seat}
            command = {"booking_id": booking.booking_id, **(seat if state == "ReserveSeat" else {})}
            answer = self.local.call("ReleaseSeat" if state == "ReserveSeat" else "ReleaseBaggage", command)
            assert "errorType" not in answer, answer
        return []

    def _let_the_hold_run_out(self, booking: Booking, arn: str) -> Booking:
        """While the step is on its way: the hold's time is over, its lock has ended, and another has the seat."""
        if booking.method is None:
            booking.pay(arn)
        assert booking.wait_at_gate(arn), "the step was never entered"
        self.local.stage.dynamodb.update_item(
            TableName=self.local.stage.tables["SeatsTable"],
            Key=to_item({"flight_id": booking.flight_id, "seat": booking.seat}),
            UpdateExpression="SET held_until_s = :past",
            ExpressionAttributeValues=to_item({":past": int(time.time()) - 1}),
        )
        self.valkey.delete(f"seat:{booking.flight_id}:{booking.seat}:lock")
        other = replace(booking, key=f"{booking.key}-other", method="pm_approved", bags=0)
        other.book()
        booking.open_gate()
        return other

    @contextmanager
    def _following(self, case: Case) -> Iterator[None]:
        """For one start, if the case wants it: a state machine whose topic is not there."""
        if not case.trouble.topicless:
            yield
            return
        saga = self.sagas[case.saga]
        changed = json.loads(json.dumps(saga.definition))
        changed["States"][case.state]["Parameters"]["TopicArn"] = _NO_TOPIC
        with self.local.starting:
            self.local.use_saga(case.saga, changed)
            try:
                yield
            finally:
                self.local.use_saga(case.saga, saga.definition)


def _lock_may_stay(case: Case) -> bool:
    """A lock that could not be ended ends by its own time; the shared check waits for that."""
    return bool(case.trouble.outage) or case.trouble.kind.startswith("lock_")
