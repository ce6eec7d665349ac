"""Commands, facts, results and settings of the recovery service."""

from enum import StrEnum

import msgspec

from chalicelib.shared.due import DueRow

SETTLEMENTS_MAX = 5
"""So often a booking is settled before a person has to look."""


class RecoveryConfig(msgspec.Struct, frozen=True):
    """Environment of the reconciler."""

    saga_arn: str
    cancellation_saga_arn: str
    operator_topic: str
    describe_booking_function: str
    flag_booking_function: str
    due_bookings_function: str
    due_holds_function: str
    due_payments_function: str
    due_lease_s: int = 300


class ReconcileCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is due; with ``booking_id`` that booking, now; with ``execution_arn`` the booking of an execution that has
    just ended. ``trigger`` says for the log who asks."""

    trigger: str = "hand"
    booking_id: str | None = None
    execution_arn: str | None = None


class Kind(StrEnum):
    """Whose due index a row is from."""

    BOOKING = "booking"
    HOLD = "hold"
    PAYMENT = "payment"


class Saga(StrEnum):
    """What Step Functions says of an execution, as far as it matters here."""

    ABSENT = "ABSENT"
    AT_WORK = "AT_WORK"
    SUCCEEDED = "SUCCEEDED"
    BROKEN = "BROKEN"


class Sagas(msgspec.Struct, frozen=True):
    """A booking's executions: its booking saga, its cancellation, and the settlements in the order of their numbers."""

    booking: Saga
    cancellation: Saga
    settlements: list[Saga] = []

    @property
    def at_work(self) -> bool:
        """Whether one of them may still change something."""
        return Saga.AT_WORK in {self.booking, self.cancellation, *self.settlements}

    @property
    def cancellation_broke(self) -> bool:
        """Whether something began to undo the booking and did not come to its end."""
        return Saga.BROKEN in {self.cancellation, *self.settlements}


class BookingFacts(msgspec.Struct, frozen=True):
    """What the reconciler needs of a booking; a part of what the booking service answers, and nothing personal."""

    booking_id: str
    status: str
    flight_id: str
    seat: str
    lock_id: str


type DueOf = dict[Kind, DueRow]
"""One booking's rows in the due indexes."""


class Leave(msgspec.Struct, frozen=True):
    """Nothing to do now: a saga is at work, or a person is, or all is well."""


class Settle(msgspec.Struct, frozen=True):
    """The cancellation saga has to finish the booking, as its settlement of this number, for this reason."""

    number: int
    error: str
    cause: str


class Raise(msgspec.Struct, frozen=True):
    """A person has to look; ``problem`` is a name, ``cause`` a sentence."""

    problem: str
    cause: str


class Clear(msgspec.Struct, frozen=True):
    """All is well, and the rows need no looking after any more."""


type Verdict = Leave | Settle | Raise | Clear


class Reconciled(msgspec.Struct):
    """What came of it, by booking id. ``failed`` could not be looked at and come again when their lease is over."""

    settled: list[str] = []
    raised: list[str] = []
    cleared: list[str] = []
    left: list[str] = []
    failed: list[str] = []
