"""What came of a storm: each customer's verdict, what tables and locks say afterwards, and whether the two agree."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec

from chalicelib.locking import seat_key
from chalicelib.shared.dynamo import Item


class Customer(msgspec.Struct, frozen=True):
    """Who wants which seat, as a saga would ask for it."""

    booking_id: str
    lock_id: str
    flight_id: str
    seat: str


class Outcome(StrEnum):
    """NONE is a customer who got no verdict within the step's attempts."""

    WON = "WON"
    LOST = "LOST"
    NONE = "NONE"


class Verdict(msgspec.Struct, frozen=True):
    """What a customer was told.

    Attributes:
        fencing_number: of a winner's hold, else 0.
        attempts: how often the step was asked, at least once.
        took_ms: from the first question to the verdict.
        ended_at_s: the instant of the verdict on the machine's monotonic clock.
        error: the error's name where there was no verdict.
    """

    customer: Customer
    outcome: Outcome
    fencing_number: int
    attempts: int
    took_ms: float
    ended_at_s: float
    error: str = ""


class Aftermath(msgspec.Struct, frozen=True):
    """What stands when all have their verdicts: the flight's seats, all rows of the ledger, the flight's locks with
    their owners."""

    seats: Sequence[Item]
    ledger: Sequence[Item]
    locks: Mapping[str, str]


def deviations(verdicts: Sequence[Verdict], after: Aftermath) -> list[str]:
    """All that is not as it must be when as many customers as there are seats have won, one a sentence."""
    winners = {each.customer.booking_id: each for each in verdicts if each.outcome is Outcome.WON}
    return [
        *_miscounted(verdicts, winners, len(after.seats)),
        *_disowned(winners, after),
        *_left_with_losers(verdicts, winners, after),
    ]


def _miscounted(verdicts: Sequence[Verdict], winners: Mapping[str, Verdict], seats: int) -> Iterator[str]:
    yield from (f"{each.customer.booking_id} got no verdict: {each.error}" for each in verdicts if _has_none(each))
    if len(winners) != seats:
        yield f"{len(winners)} customers won, of {seats} seats"
    per_seat = Counter(each.customer.seat for each in winners.values())
    yield from (f"{times} customers won seat {seat}" for seat, times in per_seat.items() if times > 1)


def _has_none(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.NONE


def _disowned(winners: Mapping[str, Verdict], after: Aftermath) -> Iterator[str]:
    """Winners who don't own what they were told, and seats that nobody owns who was told so."""
    seats = {item["seat"]: item for item in after.seats}
    ledger = {row["booking_id"]: row for row in after.ledger}
    for booking_id, verdict in winners.items():
        customer = verdict.customer
        told = ("HELD", booking_id, customer.lock_id, verdict.fencing_number)
        item = seats.get(customer.seat, {})
        if _owner(item) != told or verdict.fencing_number < 1:
            yield f"{booking_id} won {customer.seat}, and the seat says {_owner(item)[:2]}"
        row = ledger.get(booking_id, {})
        if (row.get("state"), row.get("seat"), row.get("lock_id")) != ("HELD", customer.seat, customer.lock_id):
            yield f"{booking_id} won {customer.seat}, and the ledger says {row.get('state')} {row.get('seat')}"
    for item in after.seats:
        if item["status"] != "HELD" or item.get("booking_id") not in winners:
            yield f"seat {item['seat']} is {item['status']}, and no winner's"


def _owner(item: Item) -> tuple[object, ...]:
    return tuple(item.get(name) for name in ("status", "booking_id", "lock_id", "fencing_number"))


def _left_with_losers(verdicts: Sequence[Verdict], winners: Mapping[str, Verdict], after: Aftermath) -> Iterator[str]:
    losers = {each.customer.booking_id for each in verdicts} - winners.keys()
    for row in after.ledger:
        if row["booking_id"] in losers and row["state"] == "HELD":
            yield f"{row['booking_id']} lost, and the ledger says HELD"
    owners = {seat_key(each.customer.flight_id, each.customer.seat): each.customer.lock_id for each in winners.values()}
    for key, owner in after.locks.items():
        if owners.get(key) != owner:
            yield f"{key} is locked for somebody who did not win it"
