"""What is measured of a lock: pairs of acquire and release, and refusals."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

TTL_S = 900
"""As long as a seat is held in Leleka."""


class BenchmarkError(Exception):
    """A lock did something else than what was to be measured."""


class Competitor(ABC):
    """A lock on nodes that are given to it, with its connections open between calls."""

    prefix: ClassVar[str] = ""
    """What the library puts before the name of a lock to make the key."""

    @abstractmethod
    def pairs(self, names: Sequence[str], tokens: Sequence[str]) -> None:
        """Acquires and releases each.

        Raises:
            BenchmarkError: one was not free.
        """

    @abstractmethod
    def refusals(self, names: Sequence[str], tokens: Sequence[str]) -> None:
        """Is refused each, without waiting.

        Raises:
            BenchmarkError: one was taken.
        """

    def settle(self) -> None:  # noqa: B027 - few leave work to threads
        """Waits until nothing that it started still runs."""

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Ends its connections."""


class Locker(Competitor):
    """A lock with plain calls."""

    @abstractmethod
    def acquire(self, name: str, token: str) -> Any:
        """What ``release`` takes; None if another holds the lock."""

    @abstractmethod
    def release(self, held: Any) -> None:
        """Releases it."""

    def pairs(self, names: Sequence[str], tokens: Sequence[str]) -> None:
        """Acquires and releases each."""
        acquire, release = self.acquire, self.release
        for name, token in zip(names, tokens, strict=True):
            held = acquire(name, token)
            if held is None:
                raise BenchmarkError(f"{name} was not free")
            release(held)

    def refusals(self, names: Sequence[str], tokens: Sequence[str]) -> None:
        """Is refused each."""
        acquire = self.acquire
        for name, token in zip(names, tokens, strict=True):
            if acquire(name, token) is not None:
                raise BenchmarkError(f"{name} was taken though another holds it")


@dataclass(frozen=True)
class Entry:
    """A row of the table.

    Attributes:
        name: as the table names it.
        nodes: how many it locks on.
        make: builds it from the nodes' ports; with a time-out in seconds where a node may be frozen.
        how: what is called.
        ours: whether it is Leleka's.
        watches: the name of the same lock without renewal, if this is the one with renewal.
    """

    name: str
    nodes: int
    make: Callable[[Sequence[int], float | None], Competitor]
    how: str
    ours: bool = False
    watches: str | None = None
