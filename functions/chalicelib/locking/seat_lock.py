"""A lock on one seat in a Redis-compatible server.

The lock is a courtesy: it says no quickly. Each seat write is conditional in the database all the same, so a lost,
expired or doubled lock costs somebody a refusal and never sells a seat twice.

* Acquire is one command, ``SET key lock_id NX GET EX ttl``: no old value means taken, our own id means that this is a
  repeated step, another id is a refusal.
* Release and extend compare the owner inside the server, so nobody ends another's lock.
* A lost reply is an unknown outcome, never a refusal: the same id is asked again, once; then the caller goes on
  without the lock.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

import redis

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_EXTEND = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('EXPIRE', KEYS[1], ARGV[2]) end return 0"
_ATTEMPTS = 2


class Acquisition(Enum):
    """What the server said to an acquire."""

    ACQUIRED = "acquired"
    ALREADY_OURS = "already ours"
    HELD_BY_ANOTHER = "held by another"
    UNKNOWN = "unknown"


class Tenure(Enum):
    """What the server said to a release or an extension."""

    DONE = "done"
    NOT_OURS = "not ours"
    UNKNOWN = "unknown"


class SeatLock:
    """Seat locks on one server.

    Args:
        client: a redis-py client with time-outs set and its own retries off: a SET that is sent again by the client
            would answer with our own id and hide who came first.
        ttl_s: how long a lock lives without being extended, in seconds.
    """

    def __init__(self, client: redis.Redis, ttl_s: int) -> None:
        self._client = client
        self.ttl_s = ttl_s

    def acquire(self, flight_id: str, seat: str, lock_id: str) -> Acquisition:
        """Takes the seat's lock for ``lock_id``. Never raises: an unreachable server is ``UNKNOWN``."""
        key = _key(flight_id, seat)
        answered, owner = self._ask(lambda: self._client.set(key, lock_id, nx=True, get=True, ex=self.ttl_s))
        if not answered:
            return Acquisition.UNKNOWN
        if owner is None:
            return Acquisition.ACQUIRED
        return Acquisition.ALREADY_OURS if _text(owner) == lock_id else Acquisition.HELD_BY_ANOTHER

    def extend(self, flight_id: str, seat: str, lock_id: str) -> Tenure:
        """Gives ``lock_id`` the full lifetime again, if it still owns the lock."""
        return self._as_owner(_EXTEND, _key(flight_id, seat), lock_id, str(self.ttl_s))

    def release(self, flight_id: str, seat: str, lock_id: str) -> Tenure:
        """Ends the lock if ``lock_id`` owns it; another owner's lock stays."""
        return self._as_owner(_RELEASE, _key(flight_id, seat), lock_id)

    def owner(self, flight_id: str, seat: str) -> str | None:
        """The lock_id that holds the seat now, or None. For people and tests; decisions belong in the server."""
        value = self._client.get(_key(flight_id, seat))
        return None if value is None else _text(value)

    def _as_owner(self, script: str, key: str, *arguments: str) -> Tenure:
        answered, changed = self._ask(lambda: self._client.eval(script, 1, key, *arguments))
        if not answered:
            return Tenure.UNKNOWN
        return Tenure.DONE if changed == 1 else Tenure.NOT_OURS

    def _ask(self, command: Callable[[], Any]) -> tuple[bool, Any]:
        # Every command here may be repeated with the same id, so a lost reply is asked for once more.
        for _ in range(_ATTEMPTS):
            try:
                return True, command()
            except redis.RedisError:
                continue
        return False, None


def _key(flight_id: str, seat: str) -> str:
    return f"seat:{flight_id}:{seat}:lock"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
