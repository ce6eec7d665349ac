"""Commands, results and settings of the payment service. Money is whole minor units with a currency."""

from enum import StrEnum
from typing import Literal

import msgspec


class PaymentConfig(msgspec.Struct, frozen=True):
    """Environment of every payment function."""

    payments_table: str
    sandbox_gateway_table: str
    payment_gateway: Literal["sandbox", "stripe"] = "sandbox"
    stripe_key_parameter: str = ""
    payment_due_s: int = 300


class PaymentState(StrEnum):
    """Where a booking's payment is. CLOSED is final: nothing is kept, and nothing can be charged any more."""

    STARTED = "STARTED"
    CHARGED = "CHARGED"
    DECLINED = "DECLINED"
    CLOSED = "CLOSED"


class ProcessPaymentCommand(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="command", tag="ProcessPayment"
):
    """T6: charge this booking once. The answer goes to the saga by ``task_token``."""

    task_token: str
    booking_id: str
    amount_minor: int
    currency: str
    payment_method: str


class RefundPaymentCommand(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="command", tag="RefundPayment"
):
    """C4: nothing may stay charged, now or later. The answer goes to the saga by ``task_token``."""

    task_token: str
    booking_id: str


class Receipt(msgspec.Struct, frozen=True):
    """A charge that stands."""

    charge_id: str
    amount_minor: int
    currency: str


class Closure(msgspec.Struct, frozen=True):
    """What a refund gave back; 0 where nothing had been taken."""

    refunded_minor: int
