"""Whose booking it is: the customer proves it with the secret that creating the booking returned."""

import hashlib
import hmac

from chalicelib.booking.store import BookingStore
from chalicelib.shared import log
from chalicelib.shared.dynamo import Item
from chalicelib.shared.errors import BookingNotFound

_NOBODYS_HASH = hashlib.sha256(b"no secret has this hash").hexdigest() + "-"


def secret_hash(secret: str) -> str:
    """What is stored of a secret. It has 130 random bits, so a plain hash can't be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()


def own_booking(ref: str, secret: str, store: BookingStore) -> Item:
    """The booking of this id or locator, if the secret is its own. Compared in constant time, also where there is none.

    Raises:
        BookingNotFound: there is none, or the secret is another's; which of the two is not told.
    """
    booking_id = ref if ref.startswith("bk-") else store.booking_id_of(ref)
    item = store.find(booking_id or "bk-nobody")  # as many reads for an unknown locator as for a known one
    expected = item["secret_hash"] if item else _NOBODYS_HASH
    if not hmac.compare_digest(secret_hash(secret).encode(), expected.encode()) or item is None:
        raise BookingNotFound("there is no such booking, or it is not yours")
    log.also_correlate(booking_id=item["booking_id"])
    if ref != item["booking_id"]:
        log.info("found by its locator")  # until here no line could name the booking
    return item
