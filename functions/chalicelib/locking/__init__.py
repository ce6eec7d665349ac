"""Locks with owners on Redis-compatible servers. They turn losers away in one round trip and are never the authority:
each seat write is conditional in the database all the same. This package imports no service."""

from chalicelib.locking.urls import LockUrlError, open_lock
from chalicelib.locking.verdicts import (
    Acquisition,
    Answer,
    Extension,
    Inspection,
    LockUnreachable,
    Release,
    SeatLock,
    Trouble,
    seat_key,
)

__all__ = [
    "Acquisition",
    "Answer",
    "Extension",
    "Inspection",
    "LockUnreachable",
    "LockUrlError",
    "Release",
    "SeatLock",
    "Trouble",
    "open_lock",
    "seat_key",
]
