"""No lock at all: the database's conditional write decides alone."""

from chalicelib.locking.verdicts import Acquisition, Answer, Extension, Inspection, Release


class NoLock:
    """Every outcome is unknown, and nothing is wrong with that."""

    def __init__(self, ttl_ms: int) -> None:
        self.ttl_ms = ttl_ms

    def acquire(self, key: str, lock_id: str) -> Answer[Acquisition]:  # noqa: ARG002 - there is nothing to ask
        """Nothing is known."""
        return Answer(Acquisition.UNKNOWN)

    def extend(self, key: str, lock_id: str) -> Answer[Extension]:  # noqa: ARG002 - as above
        """Nothing is known."""
        return Answer(Extension.UNKNOWN)

    def release(self, key: str, lock_id: str) -> Answer[Release]:  # noqa: ARG002 - as above
        """Nothing is known."""
        return Answer(Release.UNKNOWN)

    def inspect(self, key: str) -> Inspection:  # noqa: ARG002 - as above
        """Nobody holds a lock."""
        return Inspection(None, None)

    def close(self) -> None:
        """There is nothing to end."""
