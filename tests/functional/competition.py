"""Several sagas on one set of stores: their messages are delivered, their answers heard or lost, and everything that
they have is looked at after every rule of a state machine that drives them."""

import sys
from collections.abc import Callable
from typing import ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant

from chalicelib.shared.errors import LelekaError
from tests.functional.any_order import FLIGHT, TTL_S, Copy, Killed, Services
from tests.functional.one_moment import Moment
from tests.functional.one_saga import Message, OneSaga
from tests.promises import Promises

ANSWERED_BY_TOKEN = {"ProcessPayment", "RefundPayment", "AwaitPaymentMethod"}
ATTEMPTS_MAX = 40


class Competition(RuleBasedStateMachine):
    """Sagas, one clock, one Valkey; whoever inherits from it adds the rules.

    Attributes:
        copy: of the deployed stage; set once, before the machine runs.
        untidy: bookings whose lock may be left for a while, since a function died or met no lock server.
        told_unpaid: bookings whose customer was told that nothing is charged.
    """

    copy: ClassVar[Copy]

    def __init__(self) -> None:
        super().__init__()
        self.sagas: list[OneSaga] = []
        self.services = Services(self.copy, self)
        self._world = self.services.running()
        self._world.__enter__()
        self.untidy: set[str] = set()
        self.told_unpaid: set[str] = set()
        self.before: Moment | None = None
        self.looked_at: object = None

    # --- answers by task token ----------------------------------------------------------------------------------------

    def succeed(self, task_token: str, output: object) -> bool:
        """Step Functions' side of a token; an answer that nobody waits for is dropped."""
        return self._hears(task_token, lambda saga, message: saga.answered(message, output))

    def fail(self, task_token: str, error: LelekaError) -> bool:
        """The same, for an error."""
        return self._hears(task_token, lambda saga, message: saga.failed(message, type(error).__name__))

    def _hears(self, token: str, tell: Callable[[OneSaga, Message], None]) -> bool:
        for saga in self.sagas:
            if saga.waits_for == token:
                saga.waits_for = None
                message = next(message for message in saga.sent if message.token == token)
                tell(saga, message)
                return True
        return False

    # --- delivering ---------------------------------------------------------------------------------------------------

    def deliver(self, saga: OneSaga, message: Message, *, heard: bool, lock: bool, dies: int | None) -> None:
        """Brings a message to its function, with or without a lock server, which may die; the saga may hear of it."""
        if heard and saga.listens_to(message):
            saga.waits_for = message.token
        self.services.lock_answers = lock
        answer: object = None
        failure: str | None = None
        try:
            answer = self.services.deliver(message, dies)
        except Killed:
            self._left_untidy(saga, message)
            return
        except LelekaError as error:
            failure = type(error).__name__
        if not lock:
            self._left_untidy(saga, message)
        if heard and failure:
            saga.failed(message, failure)
        elif heard and message.state not in ANSWERED_BY_TOKEN:
            saga.answered(message, answer)
        if failure is None and lock and message.state == "ReleaseSeat":
            self._lock_is_ended(saga)

    def _left_untidy(self, saga: OneSaga, message: Message) -> None:
        if "Seat" in message.state:
            self.untidy.add(saga.booking_id)

    def _lock_is_ended(self, saga: OneSaga) -> None:
        owner = self.services.valkey.get(f"seat:{FLIGHT}:{saga.request['seat']}:lock")
        assert owner is None or owner.decode() != saga.data["ticket"]["lock_id"], "a released seat keeps its lock"  # type: ignore[union-attr]  # redis-py's union
        self.untidy.discard(saga.booking_id)

    def any_of(self, fits: Callable[[OneSaga], object]) -> bool:
        """Whether there is a saga of that kind."""
        return any(fits(saga) for saga in self.sagas)

    def pick(self, which: int, fits: Callable[[OneSaga], object]) -> OneSaga:
        """One of that kind."""
        fitting = [saga for saga in self.sagas if fits(saga)]
        return fitting[which % len(fitting)]

    # --- what holds at every moment -----------------------------------------------------------------------------------

    @invariant()
    def promises_hold(self) -> None:
        """Read in one go; some of it is compared with the moment before."""
        looks = (self.services.calls, [(saga.rolls_back, list(saga.todo)) for saga in self.sagas])
        if not self.sagas or looks == self.looked_at:
            return  # nothing was written, and no saga knows more than before
        self.looked_at = looks
        now = Moment(self.services, self.sagas)
        now.check_seats(self.before, self.services.clock())
        now.check_bags()
        now.check_money(self.before, self.told_unpaid)
        now.check_what_is_final(self.before)
        now.check_what_sagas_know()
        for key, left_ms in self.services.locks().items():
            assert 0 < left_ms <= TTL_S * 1000, f"{key} has {left_ms} ms left"
        self.before = now

    def teardown(self) -> None:
        """Every saga comes to its end; then the same check as after every other test."""
        try:
            if sys.exception() is None:
                self._to_the_end()
                self._no_lock_is_left()
                self.services.time_passes(TTL_S)
                Promises(self.services.stage).hold()
        finally:
            self._world.__exit__(None, None, None)

    def _to_the_end(self) -> None:
        for saga in self.sagas:
            for _ in range(ATTEMPTS_MAX):
                if saga.todo[:1] == ["AwaitPaymentMethod"] and saga.attempt:
                    saga.gives_up()
                if saga.todo:
                    self.deliver(saga, saga.send(), heard=True, lock=True, dies=None)
                    self.promises_hold()
            assert not saga.todo, f"{saga.booking_id} does not end: {saga.todo}"

    def _no_lock_is_left(self) -> None:
        """But for bookings of which a function died, or met no lock server, after the lock had been released."""
        owners = {saga.data["ticket"]["lock_id"]: saga for saga in self.sagas if "ticket" in saga.data}
        for key in self.services.locks():
            owner = owners[self.services.valkey.get(key).decode()]  # type: ignore[union-attr]  # redis-py's union
            assert owner.booking_id in self.untidy or owner.confirmed, f"{key} outlives {owner.booking_id}"
