"""What goes wrong in a case."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in one case.

    Attributes:
        kind: what the seam does (see seams/faults.py), or nothing.
        times: how often in a row.
        told: the error that the state gets of it, if any.
        told_times: how often the state gets it.
        detail: what tells this case from others of the same state and column.
        prepare: a refusal that is brought about without a seam.
        late: whether an event is delivered after the end.
        outage: ``killed`` or ``frozen``: what happens to Valkey when the state is entered.
        unpaid: the customer never pays.
        topicless: the topic is not there.
        stopped: the execution is stopped while the state is at work, which no Catch sees.
        takes_s: how long about, to begin with the long ones.
    """

    kind: str = ""
    times: int = 1
    told: str | None = None
    told_times: int = 1
    detail: str = ""
    prepare: str = ""
    late: bool = False
    outage: str = ""
    unpaid: bool = False
    topicless: bool = False
    stopped: bool = False
    takes_s: int = 5


class NotHereError(Exception):
    """It can't happen at this state; the message says why."""
