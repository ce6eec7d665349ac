"""The payments table: one row a booking, the payment service's ledger. A payment is in the due index from its start
until it is declined, given back, or somebody has seen that its booking is confirmed."""

from typing import TYPE_CHECKING, Any

from chalicelib.payment.models import PaymentState, Receipt
from chalicelib.payment.refusals import GatewayUnusable
from chalicelib.shared.clock import Clock, system_clock
from chalicelib.shared.due import NO_LONGER_DUE, DueIndex, due
from chalicelib.shared.dynamo import ConditionFailed, Item, from_item, to_item, verdicts
from chalicelib.shared.errors import AlreadyCompensated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class PaymentStore:
    """Conditional writes on the payments ledger. ``due_s`` is how long one may take until somebody looks at it."""

    def __init__(
        self, client: "DynamoDBClient", table: str, gateway: str, due_s: int = 300, clock: Clock = system_clock
    ) -> None:
        self._client = client
        self._table = table
        self._gateway = gateway
        self._due_s = due_s
        self._clock = clock
        self.due = DueIndex(client, table)

    def start(self, booking_id: str, amount_minor: int, currency: str) -> None:
        """Opens the payment before the gateway is asked, so that no charge is without a row.

        Raises:
            AlreadyCompensated: the payment is closed; nothing may be charged.
        """
        row = {
            "booking_id": booking_id,
            "state": PaymentState.STARTED,
            "gateway": self._gateway,
            "amount_minor": amount_minor,
            "currency": currency,
            **due(booking_id, self._clock() + self._due_s),
        }
        try:
            with verdicts():
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(row),
                    ConditionExpression="attribute_not_exists(#id)",
                    ExpressionAttributeNames={"#id": "booking_id"},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as exists:
            standing = exists.items[0] or {}
            self._require_our_gateway(booking_id, standing)
            if standing.get("state") == PaymentState.CLOSED:
                raise AlreadyCompensated(f"the payment of {booking_id} is closed; nothing was charged") from exists

    def charged(self, booking_id: str, receipt: Receipt) -> None:
        """Records the charge.

        Raises:
            AlreadyCompensated: the payment was closed meanwhile; the refund has dealt with the charge.
        """
        self._record(booking_id, PaymentState.CHARGED, charge_id=receipt.charge_id)

    def declined(self, booking_id: str) -> None:
        """Records the definite no.

        Raises:
            AlreadyCompensated: the payment was closed meanwhile.
        """
        self._record(booking_id, PaymentState.DECLINED)

    def close(self, booking_id: str, refunded_minor: int | None = None) -> bool:
        """Closes the payment for ever, whether or not it was ever opened; records what went back once that is known,
        and only then leaves the due index. True if what went back was not on record before.

        Raises:
            GatewayUnusable: the payment was begun with another provider, which has to give the money back.
        """
        given_back = refunded_minor is not None
        changes = {"refunded_minor": refunded_minor} if given_back else {}
        before = self._write(booking_id, PaymentState.CLOSED, changes, finished=given_back)
        self._require_our_gateway(booking_id, before)
        return given_back and "refunded_minor" not in before

    def _require_our_gateway(self, booking_id: str, row: Item) -> None:
        begun_with = row.get("gateway", self._gateway)
        if begun_with != self._gateway:
            raise GatewayUnusable(
                f"the payment of {booking_id} was begun with {begun_with}, and this stage now pays with {self._gateway}"
            )

    def _record(self, booking_id: str, state: PaymentState, **changes: Any) -> None:
        try:
            finished = state is PaymentState.DECLINED
            self._write(booking_id, state, changes, unless=PaymentState.CLOSED, finished=finished)
        except ConditionFailed as refused:
            raise AlreadyCompensated(f"the payment of {booking_id} was closed meanwhile; it is not kept") from refused

    def _write(
        self,
        booking_id: str,
        state: PaymentState,
        changes: dict[str, Any],
        *,
        finished: bool,
        unless: PaymentState | None = None,
    ) -> Item:
        sets = ", ".join(["#state = :state", *(f"#{name} = :{name}" for name in changes)])
        values = {":state": state, ":unless": unless, **{f":{name}": value for name, value in changes.items()}}
        condition: dict[str, Any] = {"ConditionExpression": "#state <> :unless"} if unless else {}
        with verdicts():
            before = self._client.update_item(
                TableName=self._table,
                Key=to_item({"booking_id": booking_id}),
                UpdateExpression=f"SET {sets} {NO_LONGER_DUE}" if finished else f"SET {sets}",
                ExpressionAttributeNames={"#state": "state", **{f"#{name}": name for name in changes}},
                ExpressionAttributeValues=to_item(values),
                ReturnValues="ALL_OLD",
                **condition,
            )
        return from_item(before.get("Attributes", {}))
