"""How many seats one customer, and one address, may hold at a time without paying, and how soon a seat again.

Each of the two is a *holder* with a list of claims, one for each booking that was asked for. A claim counts as a held
seat until its booking is CONFIRMED or CANCELLED, and in no case after ``counts_s``. So the booking's own status is what
gives a claim back: there is no second write that a crash could leave out. Claims are kept beyond that for the sake of
the seat: who has had it must leave it to others for a while.

::

    first hold of the seat              last hold         it ends
        │  again and again, for ttl_s ──▶ │ ──── ttl_s ────▶ │ ──── cooldown_s ────▶ may be held again
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping

import msgspec

from chalicelib.booking.models import BookingStatus, Claim, Claims, HoldLimits, Seen
from chalicelib.shared.errors import SeatCoolingDown, TooManyAttempts, TooManyHolds, TooManyHoldsFromSource, TryLater

CLAIMS_MAX = 90
"""How many claims a holder may have, those that have ended but are kept for their seats included. Bounds the row."""

_NEVER_HELD = frozenset({"SeatTaken", "SeatNotFound", "FlightNotFound", "FlightDeparted"})
"""Reasons of a cancellation that say that the booking never had the seat."""

_IPV6_SITE_BITS = 64


class Holder(msgspec.Struct, frozen=True):
    """Who holds. ``key`` is a hash; neither address nor e-mail is stored or logged."""

    key: str
    holds_max: int
    too_many: type[TryLater]
    words: str


class Wish(msgspec.Struct, frozen=True):
    """The claim that is to be added."""

    booking_id: str
    seat: str
    now_s: int


def holders_of(email: str, source: str, limits: HoldLimits) -> tuple[Holder, Holder]:
    """The customer by the e-mail address, and the address that the request came from."""
    customer = Holder(
        f"customer#{_hash('customer', email.strip().lower())}",
        limits.per_customer,
        TooManyHolds,
        "this e-mail address",
    )
    place = Holder(
        f"source#{_hash('source', _network_of(source))}",
        limits.per_source,
        TooManyHoldsFromSource,
        "this network address",
    )
    return customer, place


def claimed(
    holder: Holder, claims: Claims, wish: Wish, limits: HoldLimits, seen: Mapping[str, Seen] | None = None
) -> Claims:
    """The holder's claims with one more, without those that matter no more. What ``seen`` does not tell of is taken to
    be held still, so whoever is refused without it may ask again with it.

    Raises:
        SeatCoolingDown, TooManyHolds, TooManyHoldsFromSource, TooManyAttempts: and says when.
    """
    seen = seen or {}
    kept = {
        booking_id: claim
        for booking_id, claim in _settled(claims, seen).items()
        if claim.at_s + limits.keep_s > wish.now_s and booking_id != wish.booking_id
    }
    _require_cool(holder, kept.values(), wish, limits)
    _require_room(holder, kept, wish, limits, seen)
    return {**kept, wish.booking_id: Claim(wish.seat, wish.now_s)}


def open_claims(claims: Claims) -> list[str]:
    """The bookings that a look may show to have ended; at least the last one, if there are claims at all."""
    return [booking_id for booking_id, claim in claims.items() if not claim.ended]


def _settled(claims: Claims, seen: Mapping[str, Seen]) -> Claims:
    """The claims as their bookings say. One that never had its seat is none; nor is one that was paid for, whatever
    became of it later, and what came before it for the same seat."""
    bought_s: dict[str, int] = {}
    for booking_id, claim in claims.items():
        if booking_id in seen and seen[booking_id].amount_minor is not None:
            bought_s[claim.seat] = max(claim.at_s, bought_s.get(claim.seat, 0))
    return {
        booking_id: Claim(claim.seat, claim.at_s, claim.ended or _has_ended(booking_id, seen))
        for booking_id, claim in claims.items()
        if claim.at_s > bought_s.get(claim.seat, -1) and not _never_held(booking_id, seen)
    }


def _has_ended(booking_id: str, seen: Mapping[str, Seen]) -> bool:
    return booking_id in seen and seen[booking_id].status is BookingStatus.CANCELLED


def _never_held(booking_id: str, seen: Mapping[str, Seen]) -> bool:
    return _has_ended(booking_id, seen) and seen[booking_id].reason in _NEVER_HELD


def _require_cool(holder: Holder, kept: Iterable[Claim], wish: Wish, limits: HoldLimits) -> None:
    first_s = last_s = None
    for at_s in sorted(claim.at_s for claim in kept if claim.seat == wish.seat):
        if last_s is None or at_s >= last_s + limits.hold_ttl_s + limits.cooldown_s:
            first_s = at_s
        last_s = at_s
    if first_s is None or last_s is None or wish.now_s < first_s + limits.hold_ttl_s:
        return
    left_s = last_s + limits.hold_ttl_s + limits.cooldown_s - wish.now_s
    if left_s > 0:
        raise SeatCoolingDown(
            f"the seat was held from {holder.words} before and is for others now; nothing was kept: choose another, or",
            left_s,
        )


def _require_room(holder: Holder, kept: Claims, wish: Wish, limits: HoldLimits, seen: Mapping[str, Seen]) -> None:
    holding = {
        booking_id: claim
        for booking_id, claim in kept.items()
        if not claim.ended and wish.now_s < claim.at_s + limits.counts_s
    }
    if len(holding) >= holder.holds_max:
        ends_s = [_ends_s(claim, seen.get(booking_id), wish.now_s, limits) for booking_id, claim in holding.items()]
        raise holder.too_many(
            f"{len(holding)} seats are held from {holder.words} and not paid for, which is the most; "
            "nothing was kept: pay for one, cancel one, or",
            max(1, min(ends_s) - wish.now_s),
        )
    if len(kept) >= CLAIMS_MAX:
        oldest_s = min(claim.at_s for claim in kept.values())
        raise TooManyAttempts(
            f"{len(kept)} seats were asked for from {holder.words} and not bought; nothing was kept:",
            oldest_s + limits.keep_s - wish.now_s,
        )


def _ends_s(claim: Claim, seen: Seen | None, now_s: int, limits: HoldLimits) -> int:
    """When a claim stops counting if nobody pays: with its hold, or at the latest when that should be over by now."""
    if seen and seen.status is BookingStatus.AWAITING_PAYMENT and seen.hold_expires_at_s is not None:
        return seen.hold_expires_at_s
    hold_ends_s = claim.at_s + limits.hold_ttl_s
    return hold_ends_s if hold_ends_s > now_s else claim.at_s + limits.counts_s


def _network_of(source: str) -> str:
    """An IPv4 address as it is; of IPv6 the part that one customer's network has in common."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source  # API Gateway's console tests with a word
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _IPV6_SITE_BITS), strict=False))


def _hash(kind: str, value: str) -> str:
    return hashlib.sha256(f"leleka hold limit, {kind}: {value}".encode()).hexdigest()
