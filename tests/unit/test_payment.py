"""Money: charged once, kept only with a confirmed booking, whatever is lost on the way."""

from typing import TYPE_CHECKING

import pytest

from chalicelib.payment import logic
from chalicelib.payment.models import ProcessPaymentCommand, RefundPaymentCommand
from chalicelib.payment.refusals import GatewayUnusable
from chalicelib.payment.sandbox import SandboxGateway
from chalicelib.payment.store import PaymentStore
from chalicelib.shared.dynamo import from_item, to_item
from chalicelib.shared.errors import (
    AlreadyCompensated,
    CardDeclined,
    InsufficientFunds,
    LelekaError,
    PaymentMethodRejected,
    PaymentOutcomeUnknown,
)
from tests.fakes import CrashingGateway, FakeReplies

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class PaymentService:
    """The service's logic with its ledger and the sandbox."""

    def __init__(self, dynamodb: "DynamoDBClient") -> None:
        self.dynamodb = dynamodb
        self.waits_s: list[float] = []
        self.store = PaymentStore(dynamodb, "payments", "sandbox")
        self.gateway = SandboxGateway(dynamodb, "gateway", wait=self.waits_s.append)

    def pay(self, method: str = "pm_approved", gateway: CrashingGateway | None = None) -> str:
        command = ProcessPaymentCommand("token-1", "bk-1", 7990, "EUR", method)
        return logic.process_payment(command, self.store, gateway or self.gateway).charge_id

    def refund(self) -> int:
        return logic.refund_payment("bk-1", self.store, self.gateway).refunded_minor

    def row(self, table: str) -> dict[str, object]:
        found = self.dynamodb.get_item(TableName=table, Key=to_item({"booking_id": "bk-1"}))
        return from_item(found.get("Item", {}))


@pytest.fixture
def payments(dynamodb: "DynamoDBClient") -> PaymentService:
    """A payment service without payments."""
    return PaymentService(dynamodb)


def test_a_charge_is_made_once_however_often_it_is_asked(payments: PaymentService) -> None:
    """The same charge comes back."""
    assert payments.pay() == payments.pay()
    assert payments.row("payments")["state"] == "CHARGED"


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("pm_declined", CardDeclined),
        ("pm_insufficient_funds", InsufficientFunds),
        ("pm_never_heard_of", PaymentMethodRejected),
    ],
)
def test_a_definite_no_charges_nothing_and_stays_no(
    payments: PaymentService, method: str, error: type[LelekaError]
) -> None:
    """Asking again gives the same answer."""
    for _ in range(2):
        with pytest.raises(error):
            payments.pay(method)
    assert payments.row("payments")["state"] == "DECLINED"
    assert payments.refund() == 0


def test_a_lost_answer_is_asked_again_and_charges_once(payments: PaymentService) -> None:
    """The gateway charged and its answer was lost: the next attempt learns of that same charge."""
    with pytest.raises(PaymentOutcomeUnknown):
        payments.pay("pm_unknown")
    assert payments.row("payments")["state"] == "STARTED"
    assert payments.pay("pm_unknown") == "ch_bk-1"


def test_a_lost_request_is_asked_again_and_charges(payments: PaymentService) -> None:
    """The gateway never saw the first attempt."""
    with pytest.raises(PaymentOutcomeUnknown):
        payments.pay("pm_unknown_lost")
    assert payments.row("gateway") == {}
    assert payments.pay("pm_unknown_lost") == "ch_bk-1"


def test_a_crash_between_charge_and_record_is_repaired_by_the_next_attempt(payments: PaymentService) -> None:
    """The row says STARTED, the gateway says charged; the same step again brings them together."""
    with pytest.raises(PaymentOutcomeUnknown):
        payments.pay(gateway=CrashingGateway(payments.gateway, lost_answers=1))
    assert payments.pay() == "ch_bk-1"
    assert payments.row("payments")["state"] == "CHARGED"


def test_a_refund_gives_back_what_was_taken_once(payments: PaymentService) -> None:
    """Repeating changes nothing."""
    payments.pay()
    assert payments.refund() == payments.refund() == 7990
    assert payments.row("gateway")["outcome"] == "REFUNDED"


def test_an_unknown_charge_is_given_back_too(payments: PaymentService) -> None:
    """The saga never learnt that the money was taken; the refund finds it."""
    with pytest.raises(PaymentOutcomeUnknown):
        payments.pay("pm_unknown")
    assert payments.refund() == 7990


def test_a_charge_that_arrives_after_the_refund_is_refused(payments: PaymentService) -> None:
    """By the ledger, before the gateway is asked."""
    assert payments.refund() == 0
    with pytest.raises(AlreadyCompensated):
        payments.pay()
    assert payments.row("gateway")["outcome"] == "VOIDED"


def test_a_charge_on_its_way_during_the_refund_finds_the_gateway_closed(payments: PaymentService) -> None:
    """It had passed the ledger when the refund closed it: the gateway itself says no."""
    payments.store.start("bk-1", 7990, "EUR")
    payments.refund()
    with pytest.raises(AlreadyCompensated):
        payments.gateway.charge("bk-1", 7990, "EUR", "pm_approved")


def test_a_charge_that_landed_during_the_refund_is_not_kept(payments: PaymentService) -> None:
    """The charge was made before the gateway closed and is recorded after: the refund has given it back."""
    payments.store.start("bk-1", 7990, "EUR")
    receipt = payments.gateway.charge("bk-1", 7990, "EUR", "pm_approved")
    assert payments.refund() == 7990
    with pytest.raises(AlreadyCompensated):
        payments.store.charged("bk-1", receipt)


def test_the_slow_card_is_slow_once(payments: PaymentService) -> None:
    """Four seconds; the same command sent again after that is answered at once."""
    payments.pay("pm_slow")
    payments.pay("pm_slow")
    assert payments.waits_s == [4.0]


def test_the_saga_gets_the_receipt_by_its_token(payments: PaymentService) -> None:
    """And after a refund what went back."""
    replies = FakeReplies()
    charge = ProcessPaymentCommand("token-1", "bk-1", 7990, "EUR", "pm_approved")
    logic.carry_out(charge, payments.store, payments.gateway, replies)
    logic.carry_out(RefundPaymentCommand("token-2", "bk-1"), payments.store, payments.gateway, replies)
    assert replies.outputs == {
        "token-1": {"charge_id": "ch_bk-1", "amount_minor": 7990, "currency": "EUR"},
        "token-2": 7990,
    }


@pytest.mark.parametrize(
    ("method", "error"), [("pm_declined", "CardDeclined"), ("pm_unknown", "PaymentOutcomeUnknown")]
)
def test_the_saga_gets_the_error_by_its_token(payments: PaymentService, method: str, error: str) -> None:
    """A refusal, or that it should ask again: both are answers, and the message is done with."""
    replies = FakeReplies()
    command = ProcessPaymentCommand("token-1", "bk-1", 7990, "EUR", method)
    logic.carry_out(command, payments.store, payments.gateway, replies)
    assert replies.errors == {"token-1": error}


def test_a_command_that_comes_after_the_saga_has_gone_on_changes_nothing(payments: PaymentService) -> None:
    """Nobody hears the answer, and the charge stands once."""
    replies = FakeReplies()
    replies.deaf = True
    command = ProcessPaymentCommand("token-1", "bk-1", 7990, "EUR", "pm_approved")
    for _ in range(2):
        logic.carry_out(command, payments.store, payments.gateway, replies)
    assert payments.row("gateway")["outcome"] == "CHARGED"


def test_a_payment_begun_with_another_provider_is_not_called_refunded(payments: PaymentService) -> None:
    """The stage was switched from one provider to another: the money is with the first, and a person has to look."""
    payments.pay()
    other = PaymentStore(payments.dynamodb, "payments", "stripe")
    with pytest.raises(GatewayUnusable, match="begun with sandbox"):
        logic.refund_payment("bk-1", other, payments.gateway)
    assert payments.row("gateway")["outcome"] == "CHARGED"
