"""How servers compare an owner and act in one step, the best way first; what a server offers is learnt by asking."""

from collections.abc import Callable, Sequence

from chalicelib.locking import wire
from chalicelib.locking.wire import ServerError


class Dialect[**Arguments]:
    """One operation in several spellings. A server that doesn't know one is asked in the next, and remembered."""

    def __init__(self, spellings: Sequence[Callable[Arguments, bytes]]) -> None:
        self._spellings = spellings
        self._spelling = spellings[0]

    @property
    def spelling(self) -> Callable[Arguments, bytes]:
        """Makes the request in the best spelling known to work here."""
        return self._spelling

    def must_change(self, reply: object) -> bool:
        """Whether the reply says that the spelling isn't understood and there is another one, which is then used."""
        if not isinstance(reply, ServerError) or not reply.unsupported or self._spelling is self._spellings[-1]:
            return False
        self._spelling = self._spellings[self._spellings.index(self._spelling) + 1]
        return True


class Dialects:
    """What one server speaks."""

    def __init__(self) -> None:
        self.release = Dialect([wire.delete_if_equal, wire.delete_expecting, wire.release_script])
        self.extend = Dialect([wire.set_if_owner, wire.extend_script])
