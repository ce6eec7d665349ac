"""Stand-ins that keep the real thing's protocol, for fast unit tests. Real servers are in the functional tests."""

from chalicelib.locking.seat_lock import Acquisition, Tenure
from chalicelib.payment.models import Closure, Receipt
from chalicelib.payment.sandbox import SandboxGateway
from chalicelib.shared.errors import LelekaError, PaymentOutcomeUnknown


class FakeClock:
    """A clock that moves when told."""

    def __init__(self, now_s: int = 1_800_000_000) -> None:
        self.now_s = now_s

    def __call__(self) -> int:
        return self.now_s

    def advance(self, seconds: int) -> None:
        """Lets time pass."""
        self.now_s += seconds


class FakeLock:
    """The seat lock in memory; ``down`` makes it unreachable."""

    def __init__(self) -> None:
        self.owners: dict[tuple[str, str], str] = {}
        self.down = False

    def acquire(self, flight_id: str, seat: str, lock_id: str) -> Acquisition:
        """As the real one."""
        if self.down:
            return Acquisition.UNKNOWN
        owner = self.owners.setdefault((flight_id, seat), lock_id)
        return Acquisition.ACQUIRED if owner == lock_id else Acquisition.HELD_BY_ANOTHER

    def extend(self, flight_id: str, seat: str, lock_id: str) -> Tenure:
        """As the real one, but that nothing runs out."""
        if self.down:
            return Tenure.UNKNOWN
        return Tenure.DONE if self.owners.get((flight_id, seat)) == lock_id else Tenure.NOT_OURS

    def release(self, flight_id: str, seat: str, lock_id: str) -> Tenure:
        """As the real one."""
        if self.down:
            return Tenure.UNKNOWN
        if self.owners.get((flight_id, seat)) != lock_id:
            return Tenure.NOT_OURS
        del self.owners[flight_id, seat]
        return Tenure.DONE


class CrashingGateway:
    """A gateway whose answers are lost: the real one does the work, the caller learns nothing."""

    def __init__(self, gateway: SandboxGateway, lost_answers: int) -> None:
        self._gateway = gateway
        self._lost_answers = lost_answers

    def charge(self, booking_id: str, amount_minor: int, currency: str, payment_method: str) -> Receipt:
        """Charges, and loses the answer as often as asked."""
        receipt: Receipt = self._gateway.charge(booking_id, amount_minor, currency, payment_method)
        self._lose()
        return receipt

    def close(self, booking_id: str) -> Closure:
        """Closes, and loses the answer as often as asked."""
        closure: Closure = self._gateway.close(booking_id)
        self._lose()
        return closure

    def _lose(self) -> None:
        if self._lost_answers:
            self._lost_answers -= 1
            raise PaymentOutcomeUnknown("the answer was lost")


class FakeReplies:
    """The sagas that wait; a token is heard once, and ``deaf`` sagas have given up."""

    def __init__(self) -> None:
        self.outputs: dict[str, object] = {}
        self.errors: dict[str, str] = {}
        self.deaf = False

    def succeed(self, task_token: str, output: object) -> bool:
        """As the real one."""
        heard = self._hears(task_token)
        if heard:
            self.outputs[task_token] = output
        return heard

    def fail(self, task_token: str, error: LelekaError) -> bool:
        """As the real one."""
        heard = self._hears(task_token)
        if heard:
            self.errors[task_token] = type(error).__name__
        return heard

    def _hears(self, task_token: str) -> bool:
        return not self.deaf and task_token not in {*self.outputs, *self.errors}
