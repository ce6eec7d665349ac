"""The payment providers that the contract suite runs against, each with an oracle that asks its own books."""

import os
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast, override

import stripe

from chalicelib.payment.gateway import PaymentGateway
from chalicelib.payment.intents import IntentStore
from chalicelib.payment.sandbox import SandboxGateway
from chalicelib.payment.stripe_gateway import StripeGateway
from chalicelib.shared.dynamo import from_item, to_item
from tests.stripe_server import StripeServer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REAL_KEY = os.environ.get("STRIPE_SECRET_KEY", "")


def new_booking() -> str:
    """Real test mode remembers the keys of earlier runs."""
    return f"bk-{secrets.token_hex(8)}"


class Serial:
    """moto is not atomic across threads; DynamoDB is."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def alone(**arguments: Any) -> Any:
            with self._lock:
                return operation(**arguments)

        return alone


class Provider(Protocol):
    """A gateway, its payment methods, and its books."""

    gateway: PaymentGateway
    approved: str
    declined: str
    insufficient: str

    def unknown(self, *, stood: bool) -> str:
        """The method whose next charge is lost: its reply, after it ``stood``, or the request itself."""

    def taken(self, booking_id: str) -> list[int]:
        """Every amount that was charged for the booking."""

    def returned(self, booking_id: str) -> int:
        """What went back of it."""


class Sandbox:
    """The sandbox on moto; its table is its book."""

    approved, declined, insufficient = "pm_approved", "pm_declined", "pm_insufficient_funds"

    def __init__(self, dynamodb: "DynamoDBClient") -> None:
        self._dynamodb = dynamodb
        self.gateway: PaymentGateway = SandboxGateway(dynamodb, "gateway")

    def unknown(self, *, stood: bool) -> str:
        """The sandbox has methods that do that."""
        return "pm_unknown" if stood else "pm_unknown_lost"

    def taken(self, booking_id: str) -> list[int]:
        """There is one row a booking."""
        row = self._row(booking_id)
        return [row["amount_minor"]] if row.get("outcome") in {"CHARGED", "REFUNDED"} else []

    def returned(self, booking_id: str) -> int:
        """All or nothing."""
        row = self._row(booking_id)
        return int(row["amount_minor"]) if row.get("outcome") == "REFUNDED" else 0

    def _row(self, booking_id: str) -> dict[str, Any]:
        found = self._dynamodb.get_item(TableName="gateway", Key=to_item({"booking_id": booking_id}))
        return from_item(found.get("Item", {}))


class LossyTransport(stripe.RequestsClient):
    """Stripe's own HTTP client, which loses what it is told to, as a network does."""

    def __init__(self) -> None:
        super().__init__(timeout=(1.0, 2.5) if not REAL_KEY else (5.0, 20.0))
        self._losses: list[tuple[str, bool]] = []
        self.before: dict[str, Callable[[], object]] = {}
        self.sent: list[str] = []
        self.keys: set[str] = set()

    def lose(self, verb: str, *, reply: bool) -> None:
        """The next POST whose path ends in ``verb`` is lost: its reply, or the request itself."""
        self._losses.append((verb, reply))

    @override
    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **options: Any
    ) -> tuple[Any, int, Mapping[str, str]]:
        verb = url.rsplit("/", 1)[1]
        lost = next((loss for loss in self._losses if method == "post" and loss[0] == verb), None)
        if lost:
            self._losses.remove(lost)
        self.before.pop(verb, lambda: None)()
        answer = None
        if lost is None or lost[1]:
            self.sent.append(f"{method} {verb}")
            self.keys |= {(headers or {})["Idempotency-Key"]} if method == "post" else set()
            answer = super().request(method, url, headers, post_data, **options)
        if lost or answer is None:
            raise stripe.APIConnectionError("the network lost it", should_retry=False)  # type: ignore[no-untyped-call]  # stripe
        return answer


class Stripe:
    """The Stripe adapter, on the test server or in Stripe's test mode; the account's payments are the book."""

    approved, declined = "pm_card_visa", "pm_card_visa_chargeDeclined"
    insufficient = "pm_card_visa_chargeDeclinedInsufficientFunds"

    def __init__(self, dynamodb: "DynamoDBClient", server: StripeServer | None, key: str = "sk_test_1") -> None:
        base = server.url if server else stripe.DEFAULT_API_BASE
        self.transport = LossyTransport()
        self.intents = IntentStore(dynamodb, "payments")
        self.gateway: PaymentGateway = StripeGateway(key, self.intents, api_base=base, http_client=self.transport)
        self.books = stripe.StripeClient(key, base_addresses={"api": base})

    def unknown(self, *, stood: bool) -> str:
        """The network loses the confirmation."""
        self.transport.lose("confirm", reply=stood)
        return self.approved

    def taken(self, booking_id: str) -> list[int]:
        """By the charges of every intent that carries the booking."""
        return [charge.amount_captured for charge in self._charges(booking_id) if charge.amount_captured]

    def returned(self, booking_id: str) -> int:
        """By the same charges."""
        return sum(charge.amount_refunded for charge in self._charges(booking_id))

    def made(self, booking_id: str) -> list[stripe.PaymentIntent]:
        """The account's intents for the booking."""
        listed = self.books.v1.payment_intents.list({"limit": 100, "expand": ["data.latest_charge"]})
        return [intent for intent in listed.data if intent.metadata.to_dict().get("booking_id") == booking_id]

    def _charges(self, booking_id: str) -> list[stripe.Charge]:
        found = [intent.latest_charge for intent in self.made(booking_id)]
        return [cast("stripe.Charge", charge) for charge in found if charge]
