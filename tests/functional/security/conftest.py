"""Everything that can become of a booking, played once for all tests of this folder."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from leleka.stage import Stage
from tests.functional.security import rare, scenes
from tests.functional.security.passenger import Traces
from tests.functional.security.places import Listener
from tests.least_privilege.calls import Call, CallTrail
from tests.promises import Promises


@dataclass(frozen=True)
class Played:
    """What was played.

    Attributes:
        bookings: the bookings' ids by scene.
        traces: what would give the passenger away.
        calls: what functions and state machines asked of AWS meanwhile.
        began_ms: when, as CloudWatch counts time.
        listener: who has heard what was said.
    """

    bookings: dict[str, str]
    traces: Traces
    calls: set[Call]
    began_ms: int
    listener: Listener


@pytest.fixture(scope="package")
def played(stage: Stage, call_trail: CallTrail) -> Iterator[Played]:
    """The scenes, after which every promise holds."""
    before, began_ms, traces = call_trail.length(), int(time.time() * 1000), Traces()
    with closing(Listener(stage)) as listener:
        bookings = scenes.play(stage, traces)
        bookings |= rare.play(stage, traces, sold_seat="9A")
        Promises(stage).hold()
        yield Played(bookings, traces, call_trail.calls(before), began_ms, listener)
