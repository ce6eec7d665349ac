"""The AWS of a stage in unit tests: whatever clients a test gives it."""

from typing import Any

from leleka.stage import Aws


class FakeAws(Aws):
    """An AWS of these clients and no others."""

    def __init__(self, stage: str, **clients: Any) -> None:
        super().__init__(stage)
        object.__setattr__(self, "clients", clients)

    def client(self, service: str) -> Any:
        """The fake of that service."""
        return self.clients[service]  # type: ignore[attr-defined]  # Aws is frozen and has no such field
