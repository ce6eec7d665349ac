"""A deterministic payment provider with its state in a table, for every stage without a contract with a real one.

The payment method decides what happens:

=========================  ==========================================================================
``pm_approved``            charged
``pm_declined``            the issuer says no: CardDeclined
``pm_insufficient_funds``  InsufficientFunds
``pm_slow``                charged, after four seconds; asked again after that, it answers at once
``pm_slower``              the same after eight seconds
``pm_unknown``             charged, but the first answer is lost; asking again tells
``pm_unknown_lost``        the first request is lost before it has any effect; asking again charges
=========================  ==========================================================================

The table is the provider's own record and its idempotency store: one row a booking, written once, then only closed.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from chalicelib.payment.models import Closure, Receipt
from chalicelib.shared.dynamo import ConditionFailed, Item, from_item, to_item, verdicts
from chalicelib.shared.errors import (
    AlreadyCompensated,
    CardDeclined,
    InsufficientFunds,
    PaymentMethodRejected,
    PaymentOutcomeUnknown,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SLOW_S = {"pm_slow": 4.0, "pm_slower": 8.0}
_OUTCOMES = {
    "pm_approved": "CHARGED",
    "pm_declined": "DECLINED",
    "pm_insufficient_funds": "INSUFFICIENT_FUNDS",
    "pm_slow": "CHARGED",
    "pm_slower": "CHARGED",
    "pm_unknown": "CHARGED",
    "pm_unknown_lost": "CHARGED",
}
METHODS = frozenset(_OUTCOMES)
"""The payment methods that the sandbox knows."""


class SandboxGateway:
    """The :class:`~chalicelib.payment.gateway.PaymentGateway` of the sandbox."""

    def __init__(self, client: "DynamoDBClient", table: str, wait: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._wait = wait

    def charge(self, booking_id: str, amount_minor: int, currency: str, payment_method: str) -> Receipt:
        """Takes the money once, as the payment method says."""
        outcome = _OUTCOMES.get(payment_method)
        if outcome is None:
            raise PaymentMethodRejected("the sandbox does not know this payment method; nothing was charged")
        if payment_method in _SLOW_S and not self._is_known(booking_id):
            self._wait(_SLOW_S[payment_method])
        if payment_method == "pm_unknown_lost" and self._first_call(booking_id):
            raise PaymentOutcomeUnknown("the sandbox did not answer; nothing was charged yet")
        row: Item = {
            "booking_id": booking_id,
            "outcome": outcome,
            "charge_id": f"ch_{booking_id}",
            "amount_minor": amount_minor,
            "currency": currency,
            "payment_method": payment_method,
        }
        if self._write_once(row):
            if payment_method == "pm_unknown":
                raise PaymentOutcomeUnknown("the sandbox charged, but its answer was lost")
        else:
            row = self._row(booking_id)
        return _answer(row)

    def close(self, booking_id: str) -> Closure:
        """Gives back what was taken; a charge that comes later meets the closed row."""
        if self._write_once({"booking_id": booking_id, "outcome": "VOIDED"}):
            return Closure(refunded_minor=0)
        row = self._row(booking_id)
        if row["outcome"] == "CHARGED":
            self._refund(booking_id)
        taken = row["outcome"] in {"CHARGED", "REFUNDED"}
        return Closure(refunded_minor=row["amount_minor"] if taken else 0)

    def _write_once(self, row: Item) -> bool:
        try:
            with verdicts():
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(row),
                    ConditionExpression="attribute_not_exists(#id)",
                    ExpressionAttributeNames={"#id": "booking_id"},
                )
        except ConditionFailed:
            return False
        return True

    def _refund(self, booking_id: str) -> None:
        try:
            with verdicts():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item({"booking_id": booking_id}),
                    UpdateExpression="SET #outcome = :refunded",
                    ConditionExpression="#outcome = :charged",
                    ExpressionAttributeNames={"#outcome": "outcome"},
                    ExpressionAttributeValues=to_item({":refunded": "REFUNDED", ":charged": "CHARGED"}),
                )
        except ConditionFailed:
            return  # another close was quicker: the money went back once

    def _is_known(self, booking_id: str) -> bool:
        found = self._client.get_item(TableName=self._table, Key=to_item({"booking_id": booking_id}))
        return "Item" in found

    def _first_call(self, booking_id: str) -> bool:
        return self._write_once({"booking_id": f"{booking_id}#lost", "outcome": "LOST"})

    def _row(self, booking_id: str) -> Item:
        with verdicts():
            found = self._client.get_item(
                TableName=self._table, Key=to_item({"booking_id": booking_id}), ConsistentRead=True
            )
        return from_item(found["Item"])


def _answer(row: Item) -> Receipt:
    if row["outcome"] == "DECLINED":
        raise CardDeclined("the card was declined; nothing was charged")
    if row["outcome"] == "INSUFFICIENT_FUNDS":
        raise InsufficientFunds("the account has too little money; nothing was charged")
    if row["outcome"] != "CHARGED":
        raise AlreadyCompensated("the payment was closed before this charge arrived; nothing was charged")
    return Receipt(charge_id=row["charge_id"], amount_minor=row["amount_minor"], currency=row["currency"])
