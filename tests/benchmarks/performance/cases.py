"""One first invocation of each function: what a saga, a customer or a schedule sends it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.performance.canned import (
    BOOKING_ID,
    FLIGHT,
    HOLD_ENDS_S,
    LOCK_ID,
    SEAT,
    SECRET,
    TAKEN_SEAT,
)

PAYMENT = "CarryOutPayments"
_OURS = {"booking_id": BOOKING_ID, "execution_id": f"arn:aws:states:eu-central-1:000000000000:execution:s:{BOOKING_ID}"}
_LOCKED = {**_OURS, "lock_id": LOCK_ID, "flight_id": FLIGHT, "seat": SEAT}
_FENCED = {**_LOCKED, "fencing_number": 7}
_CHARGE = {"amount_minor": 9900, "currency": "EUR", "payment_method": "pm_approved"}
_STRIPE = {"PAYMENT_GATEWAY": "stripe", "HTTPS_PROXY": "http://127.0.0.1:9"}
"""With Stripe: nothing listens there, so that a call of Stripe fails at once. DynamoDB and SSM are not https here."""


@dataclass(frozen=True)
class Case:
    """A function, and what it is told.

    Attributes:
        name: the function's, and what is special.
        function: its name in the template.
        environment: what differs from the template.
        own_cache: whether its seat locks are in a stage's own cache on AWS, and not on a plain node.
        refusal: the error that it ends with; empty if it succeeds.
    """

    name: str
    function: str
    event: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    own_cache: bool = False
    refusal: str = ""

    @property
    def pays(self) -> bool:
        """Whether it moves money."""
        return self.function == PAYMENT


def cases() -> list[Case]:
    """Every function at least once, and those that open seat locks with both ways to them."""
    plain = [Case(name, name, event) for name, event in _EVENTS.items()]
    api = [
        Case("APIHandler, the page", "APIHandler", request("GET", "/")),
        Case("APIHandler, flights", "APIHandler", request("GET", "/flights", query={"from": "KBP", "to": "BCN"})),
        Case("APIHandler, a booking", "APIHandler", request("POST", "/bookings", body=_WISH)),
    ]
    paying = [
        Case("CarryOutPayments, ProcessPayment, sandbox", PAYMENT, messages("ProcessPayment", **_CHARGE)),
        Case("CarryOutPayments, ProcessPayment, Stripe", PAYMENT, messages("ProcessPayment", **_CHARGE), _STRIPE),
        Case("CarryOutPayments, RefundPayment, Stripe", PAYMENT, messages("RefundPayment"), _STRIPE),
    ]
    cached = [Case(f"{name}, AWS's cache", name, _EVENTS[name], own_cache=True) for name in _LOCKING]
    return [*plain, *cached, *api, *paying]


def warm_cases() -> list[Case]:
    """Those that can be repeated without end, and the refusal that a sought-after seat consists of."""
    refused = {**_LOCKED, "seat": TAKEN_SEAT}
    taken = Case("ReserveSeat, refused by the lock", "ReserveSeat", refused, refusal="SeatTaken")
    repeated = [case for case in cases() if case.environment != _STRIPE and not case.own_cache]
    return [*repeated, taken]


def messages(command: str, **fields: Any) -> dict[str, Any]:
    """A payment command as it comes from its queue."""
    told = {"command": command, "task_token": "token", **_OURS, **fields}
    return {"Records": [{"messageId": "1", "body": json.dumps(told)}]}


def request(
    method: str, path: str, *, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A request as API Gateway hands it on."""
    headers = {"content-type": "application/json", "idempotency-key": "k" * 32, "accept": "*/*"}
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": query and {name: [value] for name, value in query.items()},
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "path": f"/api{path}",
            "httpMethod": method,
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": body and json.dumps(body),
        "isBase64Encoded": False,
    }


_LOCKING = ("ReserveSeat", "RenewSeatLock", "ConfirmSeat", "ReleaseSeat")
_WISH = {"flight_id": FLIGHT, "seat": SEAT, "passenger": {"name": "Olena Kovalenko", "email": "olena@example.com"}}
_EVENT = {"kind": "CONFIRMED", "booking_id": BOOKING_ID}
_EVENTS: Mapping[str, Mapping[str, Any]] = {
    "CreateBooking": _OURS,
    "ConfirmBooking": {**_OURS, "amount_minor": 9900, "currency": "EUR"},
    "CancelBooking": {**_OURS, "reason": "SeatTaken"},
    "FlagBooking": {**_OURS, "stuck": {"ReleaseSeat": {"Error": "StoreBusy", "Cause": "no verdict"}}},
    "AwaitPaymentMethod": {**_OURS, "task_token": "token", "hold_expires_at_s": HOLD_ENDS_S},
    "TakePaymentMethod": _OURS,
    "SupplyPaymentMethod": {"ref": BOOKING_ID, "secret": SECRET, "payment_method": "pm_approved"},
    "RequestCancellation": {"ref": BOOKING_ID, "secret": SECRET},
    "GetBooking": {"ref": BOOKING_ID, "secret": SECRET},
    "DescribeBooking": _OURS,
    "DueBookings": {"booking_id": BOOKING_ID},
    "ValidateFlight": {**_OURS, "flight_id": FLIGHT},
    "SearchFlights": {"origin": "KBP", "destination": "BCN"},
    "ReserveSeat": _LOCKED,
    "RenewSeatLock": _FENCED,
    "ConfirmSeat": _FENCED,
    "ReleaseSeat": _LOCKED,
    "DueHolds": {"booking_id": BOOKING_ID},
    "GetSeatMap": {"flight_id": FLIGHT},
    "ReserveBaggage": {**_OURS, "flight_id": FLIGHT, "bags": 1},
    "ReleaseBaggage": _OURS,
    "CalculatePrice": {**_OURS, "flight_id": FLIGHT, "cabin": "economy", "exit_row": False, "bags": 1},
    "GetFares": {"flight_id": FLIGHT},
    "DuePayments": {"booking_id": BOOKING_ID},
    "Reconcile": {"trigger": "schedule"},
    "NotifyCustomer": {"Records": [{"messageId": "1", "body": json.dumps(_EVENT)}]},
}
