"""The errors of Leleka, by what they say about the world.

::

    LelekaError
    ├── Refusal              nothing happened, and asking again will not help
    │   ├── InvalidRequest        the request itself is wrong; names the field
    │   ├── IdempotencyKeyReused  the key belongs to another request
    │   ├── BookingNotFound
    │   ├── BookingClosed         the booking has ended; it can't go on
    │   ├── BookingInProgress     its saga is at work; ask again when it has ended
    │   ├── HoldExpired           the time to pay is over
    │   ├── PaymentAlreadyGiven   another payment method was given before
    │   ├── CancelledByCustomer   the reason of a cancellation, never raised by a function
    │   ├── SagaLost              the reason of a settlement, never raised by a function
    │   ├── FlightNotFound
    │   ├── FlightDeparted
    │   ├── SeatNotFound
    │   ├── SeatTaken
    │   ├── HoldLost              the hold or its lock ran out, or another booking has the seat
    │   ├── HoldLimitReached      the hold was extended as long as a hold may be
    │   ├── BaggageFull
    │   ├── FareNotFound
    │   ├── CardDeclined
    │   ├── InsufficientFunds
    │   ├── PaymentMethodRejected the gateway does not know the payment method
    │   ├── TryLater              not now; says when
    │   │   ├── TooManyHolds           the customer holds as many seats as one may
    │   │   ├── TooManyHoldsFromSource as many seats are held from the request's address as may be from one
    │   │   ├── TooManyAttempts        customer or address has asked for too many seats lately
    │   │   └── SeatCoolingDown        customer or address has held this seat lately; others come first now
    │   └── AlreadyCompensated    the step's own compensation ran first; the step came late
    └── Transient            it may have happened; the same call may be made again as it is
        ├── StoreBusy             DynamoDB throttled, or another transaction was in the way
        ├── ServiceUnavailable    a function behind the API did not answer
        └── PaymentOutcomeUnknown the gateway did not answer; the charge may stand

Step Functions knows an error by its class name, so these names stand in the state machine's Catch and Retry lists;
a contract test compares the two. Anything else that a function raises may have happened and is compensated.
"""

import re

_IN_SECONDS = re.compile(r"ask again in ([0-9]+) s\Z")


class LelekaError(Exception):
    """Base of every error that Leleka raises on purpose."""


class Refusal(LelekaError):
    """A definite no: nothing was changed."""


class InvalidRequest(Refusal):
    """The request is not well formed. ``field`` is the JSON path of the culprit, if there is one."""

    def __init__(self, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class IdempotencyKeyReused(Refusal):
    """The Idempotency-Key was used before, with another request."""


class BookingNotFound(Refusal):
    """There is no such booking."""


class BookingClosed(Refusal):
    """The booking has ended and accepts no further step."""


class BookingInProgress(Refusal):
    """The booking's saga is at work; what is asked can be done when it has ended."""


class HoldExpired(Refusal):
    """The time to pay is over; nothing was charged."""


class PaymentAlreadyGiven(Refusal):
    """Another payment method was given for this booking before."""


class CancelledByCustomer(Refusal):
    """Not raised by a function: the reason that a cancelled saga carries."""


class SagaLost(Refusal):
    """Not raised by a function: the reason of a booking whose saga ended without finishing it."""


class FlightNotFound(Refusal):
    """There is no such flight."""


class FlightDeparted(Refusal):
    """The flight has left, or its sale has closed."""


class SeatNotFound(Refusal):
    """The aircraft of this flight has no such seat."""


class SeatTaken(Refusal):
    """Another booking holds or owns the seat."""


class HoldLost(Refusal):
    """The booking no longer holds the seat: its time ran out, or another booking has it."""


class HoldLimitReached(Refusal):
    """The hold was extended as long as a hold may be; it was not extended again."""


class BaggageFull(Refusal):
    """The flight's hold has no room for that many bags."""


class FareNotFound(Refusal):
    """The flight has no fare for that cabin."""


class CardDeclined(Refusal):
    """The issuer declined the card; nothing was charged."""


class InsufficientFunds(Refusal):
    """The account has too little money; nothing was charged."""


class PaymentMethodRejected(Refusal):
    """The gateway does not know the payment method, or can't charge it; nothing was charged."""


class TryLater(Refusal):
    """A definite no for now: nothing was kept, and the same request may be sent again in ``retry_after_s`` seconds.

    The message ends with the seconds, since it is all that Lambda hands on of an exception.
    """

    def __init__(self, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(detail if retry_after_s is None else f"{detail} ask again in {retry_after_s} s")

    @property
    def retry_after_s(self) -> int:
        """When to ask again; a minute if the message doesn't say."""
        told = _IN_SECONDS.search(str(self))
        return int(told[1]) if told else 60


class TooManyHolds(TryLater):
    """The customer holds as many seats, not paid for yet, as one customer may."""


class TooManyHoldsFromSource(TryLater):
    """As many seats, not paid for yet, are held from the request's address as may be from one."""


class TooManyAttempts(TryLater):
    """The customer, or whoever shares the address, has asked for too many seats lately without buying them."""


class SeatCoolingDown(TryLater):
    """The customer, or whoever shares the address, has held this seat lately; now it is somebody else's turn."""


class AlreadyCompensated(Refusal):
    """The step arrived after its own compensation, which has closed the ledger for this booking."""


class Transient(LelekaError):
    """No verdict: the effect may or may not stand. The same call, unchanged, is safe and may succeed."""


class StoreBusy(Transient):
    """DynamoDB throttled the call, or another transaction touched the same item."""


class ServiceUnavailable(Transient):
    """A function behind the API failed or did not answer in time."""


class PaymentOutcomeUnknown(Transient):
    """The payment gateway did not answer. Ask again with the same key before deciding anything."""
