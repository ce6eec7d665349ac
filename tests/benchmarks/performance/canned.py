"""What AWS answers in these measurements: at once, valid, and always the same.

Imports nothing but Python's own, since it also runs where the functions do.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

BOOKING_ID = "bk-" + "a2" * 13
SECRET = "s3" * 13
FLIGHT, SEAT, LOCK_ID = "KBP-BCN-0615", "12A", "0" * 32
TAKEN_SEAT = "30F"
"""The seat whose lock another has."""

HOLD_ENDS_S = int(time.time()) + 900
_DEPARTS_S = HOLD_ENDS_S + 30 * 86_400
_ROWS, _LETTERS = 30, "ABCDEF"
_JSON, _XML = "application/x-amz-json-1.0", "text/xml"
_SENT = """\
<SendEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendEmailResult><MessageId>1</MessageId>\
</SendEmailResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></SendEmailResponse>"""

type Item = dict[str, Any]


class Reply(NamedTuple):
    """An answer over HTTP."""

    status: int
    content_type: str
    body: bytes


BOOKING: Item = {
    "booking_id": BOOKING_ID,
    "record_locator": "ABC234",
    "status": "AWAITING_PAYMENT",
    "flight_id": FLIGHT,
    "seat": SEAT,
    "bags": 1,
    "passenger_name": "Olena Kovalenko",
    "passenger_email": "olena@example.com",
    "created_at_s": HOLD_ENDS_S - 900,
    "language": "en",
    "lock_id": LOCK_ID,
    "hold_expires_at_s": HOLD_ENDS_S,
    "waits_since_s": HOLD_ENDS_S - 890,
    "task_token": "token",
    "secret_hash": hashlib.sha256(SECRET.encode()).hexdigest(),
    "request_hash": "0" * 64,
    "due_at_s": HOLD_ENDS_S,
    "due_shard": "0",
}
_SEAT: Item = {
    "flight_id": FLIGHT,
    "seat": SEAT,
    "row": 12,
    "letter": "A",
    "cabin": "economy",
    "position": "window",
    "exit_row": False,
    "status": "HELD",
    "fencing_number": 7,
    "booking_id": BOOKING_ID,
    "lock_id": LOCK_ID,
    "held_until_s": HOLD_ENDS_S,
    "held_since_s": HOLD_ENDS_S - 900,
}
_FLIGHT: Item = {
    "flight_id": FLIGHT,
    "number": "LE 615",
    "origin": "KBP",
    "destination": "BCN",
    "departs_at_s": _DEPARTS_S,
    "arrives_at_s": _DEPARTS_S + 12_600,
    "departs_local": "2027-06-15T10:40",
    "arrives_local": "2027-06-15T13:10",
    "aircraft": "A320",
    "distance_km": 2375,
    "route": "KBP-BCN",
}
_FARE: Item = {
    "flight_id": FLIGHT,
    "cabin": "economy",
    "currency": "EUR",
    "seat_minor": 9900,
    "exit_row_seat_minor": 12900,
    "bag_minor": 3000,
}
_HELD: Item = {"booking_id": BOOKING_ID, "state": "HELD", "flight_id": FLIGHT, "due_at_s": HOLD_ENDS_S, "bags": 1}
ITEMS: Mapping[str, Item] = {
    "BookingsTable": BOOKING,
    "LocatorsTable": {"record_locator": "ABC234", "booking_id": BOOKING_ID},
    "FlightsTable": _FLIGHT,
    "SeatsTable": _SEAT,
    "SeatLedgerTable": {**_HELD, "seat": SEAT, "lock_id": LOCK_ID, "due_shard": "0"},
    "BaggageLedgerTable": _HELD,
    "FaresTable": _FARE,
    "PaymentsTable": {"booking_id": BOOKING_ID, "state": "CHARGED", "due_at_s": HOLD_ENDS_S, "due_shard": "0"},
    "NotificationsTable": {"booking_id": BOOKING_ID, "kind": "CONFIRMED"},
    "SandboxGatewayTable": {"booking_id": BOOKING_ID},
    "HelloTable": {"name": "Olena"},
}
"""The row that each table gives, by the table's logical name."""

_PLACES = [(row, letter) for row in range(1, _ROWS + 1) for letter in _LETTERS]
_SEATS = [{**_SEAT, "seat": f"{row}{letter}", "row": row, "letter": letter} for row, letter in _PLACES]
_PAGES: Mapping[str, list[Item]] = {
    "SeatsTable": _SEATS,
    "FlightsTable": [_FLIGHT] * 5,
    "FaresTable": [_FARE, {**_FARE, "cabin": "business", "seat_minor": 39900}],
}
"""What a query gives, of those tables that have more than their one row."""

_VIEW = {
    **{name: BOOKING[name] for name in ("booking_id", "record_locator", "flight_id", "seat", "bags", "created_at_s")},
    "status": "CONFIRMED",
    "passenger": {"name": "Olena Kovalenko", "email": "olena@example.com"},
    "amount_minor": 9900,
    "currency": "EUR",
}
_SEAT_VIEW = {name: _SEAT[name] for name in ("cabin", "position", "exit_row")}
_SEAT_VIEWS = [
    {**_SEAT_VIEW, "seat": f"{row}{letter}", "row": row, "letter": letter, "status": "AVAILABLE"}
    for row, letter in _PLACES
]
FUNCTIONS: Mapping[str, Any] = {
    "DescribeBooking": {**_VIEW, "lock_id": LOCK_ID},
    "ValidateFlight": _FLIGHT,
    "SearchFlights": {"flights": [_FLIGHT] * 5},
    "GetSeatMap": {"flight_id": FLIGHT, "seats": _SEAT_VIEWS},
    "GetFares": {"fares": [_FARE]},
    **{name: {"rows": []} for name in ("DueBookings", "DueHolds", "DuePayments")},
}
"""What a function answers, by its logical name."""


def typed(value: Any) -> dict[str, Any]:
    """A value in DynamoDB's form."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"S": value}


def answer(target: str, path: str, body: bytes) -> Reply:
    """The answer to a request, by its ``X-Amz-Target``, or its path where it has none.

    Raises:
        KeyError: nothing is known of such a request.
    """
    if target:
        operation = target.rpartition(".")[2]
        return Reply(200, _JSON, _encoded(operation, json.loads(body)))
    if path.startswith("/2015-03-31/functions/"):
        return Reply(200, "application/json", _FUNCTIONS[path.split("/")[3]])
    return Reply(200, _XML, _SENT.encode())


def _encoded(operation: str, asked: Mapping[str, Any]) -> bytes:
    """Encoded once for each operation and table: what answers must not cost what it measures."""
    key = (operation, asked.get("TableName", ""))
    if key not in _known:
        _known[key] = json.dumps(_OPERATIONS[operation](key[1])).encode()
    return _known[key]


def _item(table: str) -> Item:
    return {name: typed(value) for name, value in ITEMS[table].items()}


def _page(table: str) -> list[Item]:
    return [{name: typed(value) for name, value in item.items()} for item in _PAGES.get(table, [ITEMS[table]])]


_OPERATIONS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "GetItem": lambda table: {"Item": _item(table)},
    "UpdateItem": lambda table: {"Attributes": {**_item(table), "payment_method": typed("pm_approved")}},
    "PutItem": lambda _table: {},
    "Query": lambda table: {"Items": _page(table), "Count": len(_page(table))},
    "TransactWriteItems": lambda _table: {},
    "SendTaskSuccess": lambda _table: {},
    "SendTaskFailure": lambda _table: {},
    "StartExecution": lambda _table: {"executionArn": "arn:aws:states:::execution:bench:1", "startDate": 1.0},
    "GetParameter": lambda _table: {"Parameter": {"Type": "SecureString", "Value": "sk_test_" + "0" * 24}},
}
_known: dict[tuple[str, str], bytes] = {}
_FUNCTIONS = {name: json.dumps(told).encode() for name, told in FUNCTIONS.items()}
