"""The secrets of the bookings that were made on this machine, so that its user need not type them.

One file for the user alone (mode 0600): by stage, oldest first, the last 200 of each. Written whole and renamed, under
a lock, so that two commands at once lose nothing and no reader sees half of it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from leleka.api_types import Claim
from leleka.paths import PROJECT

FILE = PROJECT / ".leleka" / "bookings.json"
KEPT_MAX = 200
"""How many bookings of a stage are kept."""

_LOCK_WAIT_S = 5.0
_LOCK_POLL_S = 0.02


class BookingsHereError(Exception):
    """The file could not be read or written, or the booking is not in it; the message says which and what helps."""


class _Kept(msgspec.Struct, frozen=True):
    booking_id: str
    record_locator: str
    secret: str


type _Stages = dict[str, list[_Kept]]


def remember(stage: str, booking_id: str, record_locator: str, secret: str) -> None:
    """Keeps a booking's secret; the oldest of the stage makes room.

    Raises:
        BookingsHereError: it is not kept; what was kept before is untouched.
    """
    try:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        with _locked(FILE.with_suffix(".lock")):
            stages = _read()
            others = [kept for kept in stages.get(stage, []) if kept.booking_id != booking_id]
            stages[stage] = [*others, _Kept(booking_id, record_locator, secret)][-KEPT_MAX:]
            _write(stages)
    except OSError as error:
        raise BookingsHereError(f"{FILE} can't be written: {error.strerror}") from error


def claim(stage: str, ref: str, secret: str | None = None) -> Claim:
    """The claim on a booking by its id or its record locator; a ``secret`` that is given goes before the one kept.

    Raises:
        BookingsHereError: none was given and none is kept.
    """
    ref = ref if ref.startswith("bk-") else ref.upper()
    if secret:
        return Claim(ref, secret)
    for kept in reversed(_read().get(stage, [])):
        if ref in {kept.booking_id, kept.record_locator}:
            return Claim(ref, kept.secret)
    raise BookingsHereError(f"booking {ref} was not made here on stage {stage}; give its secret: --secret")


def _read() -> _Stages:
    try:
        return msgspec.json.decode(FILE.read_bytes(), type=dict[str, list[_Kept]])
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BookingsHereError(f"{FILE} can't be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise BookingsHereError(f"{FILE} is damaged ({error}); repair or remove it") from error


def _write(stages: _Stages) -> None:
    beside = FILE.with_suffix(".new")
    beside.unlink(missing_ok=True)  # one that a crash left may have another mode
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(stages), indent=1))
    beside.replace(FILE)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    until_s = time.monotonic() + _LOCK_WAIT_S
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600)) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as busy:
                if time.monotonic() > until_s:
                    raise BookingsHereError(f"{path} was locked for {_LOCK_WAIT_S:g} s by another command") from busy
                time.sleep(_LOCK_POLL_S)
        yield
