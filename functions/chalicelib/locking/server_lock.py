"""A lock on one logical server: a node, a Sentinel group, or a cluster, where each key has one master."""

import time
from typing import Protocol

from chalicelib.locking.link import Unanswered
from chalicelib.locking.verdicts import (
    Acquisition,
    Answer,
    Extension,
    Inspection,
    LockUnreachable,
    Release,
    lifetime_s,
)


class Operations(Protocol):
    """What the lock needs of a server; see ``server.Server``. Every method raises Unanswered."""

    def set_if_free(self, key: bytes, owner: bytes, ttl_ms: bytes) -> bytes | None: ...

    def set_if_owner(self, key: bytes, owner: bytes, ttl_ms: bytes) -> bytes | None: ...

    def delete_if_owner(self, key: bytes, owner: bytes) -> Release: ...

    def owner(self, key: bytes) -> bytes | None: ...

    def remaining_ms(self, key: bytes) -> int: ...

    def close(self) -> None: ...


class ServerLock:
    """Locks on one server, as ``SeatLock`` says. Acquire and release are one command each."""

    def __init__(self, server: Operations, ttl_ms: int) -> None:
        self._server = server
        self._ttl = str(ttl_ms).encode()
        self._lifetime_s = lifetime_s(ttl_ms)
        self.ttl_ms = ttl_ms

    def acquire(self, key: str, lock_id: str) -> Answer[Acquisition]:
        """Takes the lock for ``lock_id``, unless another has it."""
        asked_s = time.monotonic()
        owner = lock_id.encode()
        try:
            found = self._server.set_if_free(key.encode(), owner, self._ttl)
            if found is None:
                return Answer(Acquisition.ACQUIRED, asked_s + self._lifetime_s)
            if found != owner:
                return _HELD_BY_ANOTHER
            return Answer(Acquisition.ALREADY_OURS, self._valid_until_s(key, owner))
        except Unanswered as lost:
            return Answer(Acquisition.UNKNOWN, trouble=lost.trouble)

    def extend(self, key: str, lock_id: str) -> Answer[Extension]:
        """Gives ``lock_id`` the full lifetime again if it owns the lock; never makes a lock that is gone."""
        asked_s = time.monotonic()
        owner = lock_id.encode()
        try:
            found = self._server.set_if_owner(key.encode(), owner, self._ttl)
        except Unanswered as lost:
            return Answer(Extension.UNKNOWN, trouble=lost.trouble)
        if found == owner:
            return Answer(Extension.EXTENDED, asked_s + self._lifetime_s)
        return Answer(Extension.EXPIRED if found is None else Extension.OWNED_BY_ANOTHER)

    def release(self, key: str, lock_id: str) -> Answer[Release]:
        """Ends the lock if ``lock_id`` owns it; another's lock stays."""
        try:
            return Answer(self._server.delete_if_owner(key.encode(), lock_id.encode()))
        except Unanswered as lost:
            return Answer(Release.UNKNOWN, trouble=lost.trouble)

    def inspect(self, key: str) -> Inspection:
        """Who holds the lock.

        Raises:
            LockUnreachable: the server gave no answer.
        """
        try:
            owner = self._server.owner(key.encode())
            remaining_ms = self._server.remaining_ms(key.encode())
        except Unanswered as lost:
            raise LockUnreachable(lost.trouble) from lost
        if owner is None or remaining_ms == _NO_KEY:
            return Inspection(None, None)
        return Inspection(owner.decode(errors="replace"), remaining_ms if remaining_ms >= 0 else None)

    def close(self) -> None:
        """Ends the connection."""
        self._server.close()

    def _valid_until_s(self, key: str, owner: bytes) -> float:
        # It was ours already, and acquiring gave it no new time: only the server knows how much is left.
        asked_s = time.monotonic()
        left_ms = max(0, self._server.remaining_ms(key.encode()))
        still_ours = self._server.owner(key.encode()) == owner  # else the time left may have been another's
        return asked_s + lifetime_s(left_ms if still_ours else 0)


_NO_KEY = -2  # PTTL's; -1 is a key that never ends, and a lock all the same
_HELD_BY_ANOTHER = Answer(Acquisition.HELD_BY_ANOTHER)
