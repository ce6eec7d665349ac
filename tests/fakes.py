"""Stand-ins that keep the real thing's protocol, for fast unit tests. Real servers are in the functional tests."""

from chalicelib.locking import Acquisition, Answer, Extension, Inspection, Release, Trouble
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

    ttl_ms = 900_000

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.down = False

    def acquire(self, key: str, lock_id: str) -> Answer[Acquisition]:
        """As the real one."""
        if self.down:
            return Answer(Acquisition.UNKNOWN, trouble=Trouble.REFUSED)
        taken = key in self.owners
        if self.owners.setdefault(key, lock_id) != lock_id:
            return Answer(Acquisition.HELD_BY_ANOTHER)
        return Answer(Acquisition.ALREADY_OURS if taken else Acquisition.ACQUIRED)

    def extend(self, key: str, lock_id: str) -> Answer[Extension]:
        """As the real one, but that nothing runs out."""
        if self.down:
            return Answer(Extension.UNKNOWN, trouble=Trouble.REFUSED)
        owner = self.owners.get(key)
        if owner is None:
            return Answer(Extension.EXPIRED)
        return Answer(Extension.EXTENDED if owner == lock_id else Extension.OWNED_BY_ANOTHER)

    def release(self, key: str, lock_id: str) -> Answer[Release]:
        """As the real one."""
        if self.down:
            return Answer(Release.UNKNOWN, trouble=Trouble.REFUSED)
        owner = self.owners.get(key)
        if owner != lock_id:
            return Answer(Release.EXPIRED if owner is None else Release.OWNED_BY_ANOTHER)
        del self.owners[key]
        return Answer(Release.RELEASED)

    def inspect(self, key: str) -> Inspection:
        """As the real one."""
        owner = self.owners.get(key)
        return Inspection(owner, None if owner is None else self.ttl_ms)

    def close(self) -> None:
        """Nothing to end."""


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
