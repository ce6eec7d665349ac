"""What a confirmed booking does. Change it here when the saga changes; a test holds the sums against docs/COST.md.

The sums are measured (docs/COST.md); how they are spread over functions and tables is read off the code.
"""

from typing import NamedTuple

TRANSITIONS = 11
REDIS_COMMANDS = 2
SNS_PUBLISHES = 1
MAILS = 1
SQS_SENDS = 1
TASK_SUCCESSES = 1


class Function(NamedTuple):
    """A function that a confirmed booking invokes once, and what it asks: DynamoDB for rows, DynamoDB for transactions,
    Valkey, and what else it waits for, by a name in ``assumptions``."""

    name: str
    rows: int = 0
    transactions: int = 0
    valkey: int = 0
    waits: tuple[str, ...] = ()


class Table(NamedTuple):
    """A table: its partition key, the write units that a confirmed booking costs it and its index, and its read
    units."""

    name: str
    key: str
    writes: int = 0
    index_writes: int = 0
    reads: float = 0


FUNCTIONS = (
    Function("APIHandler", transactions=1, waits=("start an execution",)),
    Function("CreateBooking", rows=1),
    Function("ValidateFlight", rows=1),
    Function("ReserveSeat", rows=1, transactions=1, valkey=1),
    Function("ReserveBaggage", transactions=1),
    Function("CalculatePrice", rows=1),
    Function("CarryOutPayments", rows=3, waits=("charge a card", "answer a task token")),
    Function("ConfirmSeat", transactions=1, valkey=1),
    Function("ConfirmBooking", rows=1),
    Function("NotifyCustomer", rows=3, waits=("send a mail",)),
)

# Index writes: a row that comes or goes is one, a due time that moves is two, since the old entry goes and a new one
# comes. docs/COST.md counts one each time, as a lower price.
TABLES = (
    Table("bookings", "booking_id", writes=4, index_writes=4, reads=1),
    Table("locators", "record_locator", writes=2),
    Table("hold limits", "holder", writes=4),
    Table("flights", "flight_id", reads=1),
    Table("seats", "flight_id, seat", writes=4, reads=1),
    Table("seat ledger", "booking_id", writes=4, index_writes=2),
    Table("baggage quota", "flight_id", writes=2),
    Table("baggage ledger", "booking_id", writes=2),
    Table("fares", "flight_id, cabin", reads=1),
    Table("payments", "booking_id", writes=2, index_writes=3),
    Table("sandbox gateway", "booking_id", writes=1),
    Table("notifications", "booking_id, kind", writes=2),
)
