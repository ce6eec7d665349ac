"""What a lock answers. Each outcome has a value of its own, and "unknown" is never taken for "no"."""

from enum import Enum
from typing import NamedTuple, Protocol


class Acquisition(Enum):
    """What became of an acquire."""

    ACQUIRED = "acquired"
    ALREADY_OURS = "already ours"
    HELD_BY_ANOTHER = "held by another"
    UNKNOWN = "unknown"


class Extension(Enum):
    """What became of an extend."""

    EXTENDED = "extended"
    EXPIRED = "expired"
    OWNED_BY_ANOTHER = "owned by another"
    UNKNOWN = "unknown"


class Release(Enum):
    """What became of a release."""

    RELEASED = "released"
    EXPIRED = "expired"
    OWNED_BY_ANOTHER = "owned by another"
    UNKNOWN = "unknown"


class Trouble(Enum):
    """Why an outcome is unknown."""

    REFUSED = "connection refused or cut"
    TIMED_OUT = "timed out"
    READ_ONLY = "read-only replica"
    OUT_OF_MEMORY = "out of memory"
    NOT_AUTHENTICATED = "not authenticated or not permitted"
    NOT_READY = "not ready to serve"
    NO_QUORUM = "no quorum"
    PROTOCOL = "an answer that makes no sense"


class Answer[Verdict](NamedTuple):
    """A verdict, with how long it can be relied on.

    Attributes:
        verdict: what happened.
        valid_until_s: the lock is ours until then, on ``time.monotonic()``, clock drift already taken off; None unless
            the lock is ours.
        trouble: why the verdict is UNKNOWN, else None.
    """

    verdict: Verdict
    valid_until_s: float | None = None
    trouble: Trouble | None = None


class Inspection(NamedTuple):
    """Who holds a lock now, and for how long yet, in milliseconds; None and None when it is free."""

    owner: str | None
    remaining_ms: int | None


class LockUnreachable(Exception):
    """A lock could not be looked at, since its server gave no answer. Nothing was changed; ask again later."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"the lock server gave no answer: {trouble.value}")
        self.trouble = trouble


class SeatLock(Protocol):
    """Locks with owners, on whatever stands behind the URL.

    No method but ``inspect`` raises for a server's failure: the outcome is then UNKNOWN, with its trouble. All may be
    called from several threads.
    """

    @property
    def ttl_ms(self) -> int:
        """How long a lock lives without being extended."""

    def acquire(self, key: str, lock_id: str) -> Answer[Acquisition]:
        """Takes the lock for ``lock_id``, unless another has it."""

    def extend(self, key: str, lock_id: str) -> Answer[Extension]:
        """Gives ``lock_id`` the full lifetime again if it owns the lock; never makes a lock that is gone."""

    def release(self, key: str, lock_id: str) -> Answer[Release]:
        """Ends the lock if ``lock_id`` owns it; another's lock stays."""

    def inspect(self, key: str) -> Inspection:
        """Who holds the lock. For people and tests: a decision taken from it is late already.

        Raises:
            LockUnreachable: the server gave no answer.
        """

    def close(self) -> None:
        """Ends the connections."""


def seat_key(flight_id: str, seat: str) -> str:
    """The key of a seat's lock."""
    return f"seat:{flight_id}:{seat}:lock"


def lifetime_s(ttl_ms: int) -> float:
    """How long a holder may rely on a lock of ``ttl_ms``: one percent and 2 ms less, since the holder's clock and the
    server's may run at different speeds, and a server's expiry is exact to a millisecond only."""
    return ttl_ms * 0.99 / 1000 - 0.002
