"""Every row of the table."""

from tests.benchmarks.locks.competitor import Entry
from tests.benchmarks.locks.measures import Names
from tests.benchmarks.locks.ours import ALL_AT_ONCE, LEAD_FIRST, OURS, SINGLE, WATCHED
from tests.benchmarks.locks.peers import BASE, PEERS

ENTRIES: tuple[Entry, ...] = (*PEERS[:1], *OURS, *PEERS[1:])
FIVE_NODES = tuple(entry for entry in ENTRIES if entry.nodes == 5)
NAMES = Names(
    base=BASE,
    single=SINGLE,
    watched=WATCHED,
    all_at_once=ALL_AT_ONCE,
    lead_first=LEAD_FIRST,
    redlocks=[ALL_AT_ONCE, LEAD_FIRST],
    peers=[entry.name for entry in FIVE_NODES if not entry.ours],
)


def entry_named(name: str) -> Entry:
    """The row of that name."""
    return next(entry for entry in ENTRIES if entry.name == name)
