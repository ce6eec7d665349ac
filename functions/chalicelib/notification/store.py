"""The record of what was sent, the bookings it tells of, and the mail server. All boto3 of this service is here."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.notification.models import BookingEvent, BookingFacts, Mail
from chalicelib.shared.dynamo import ConditionFailed, to_item, verdicts
from chalicelib.shared.errors import ServiceUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ses import SESClient

_CLAIM_S = 60
_KEPT_S = 60 * 86_400  # an event comes again while a queue keeps it: days, set aside two weeks, redriven once more


class SentStore:
    """One row a booking and kind: claimed while a mail is on its way, then marked as sent."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def claim(self, event: BookingEvent, now_s: int) -> bool:
        """True if the caller may send now: nobody has, and nobody else is about to.

        A claim whose owner died is open again after a minute, so a mail may in that rare case go out twice rather than
        never. The row expires when its event can't come again.
        """
        try:
            with verdicts():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item({"booking_id": event.booking_id, "kind": event.kind}),
                    UpdateExpression="SET #until = :until, #expires = :expires",
                    ConditionExpression=(
                        "attribute_not_exists(#sent) AND (attribute_not_exists(#until) OR #until < :now)"
                    ),
                    ExpressionAttributeNames={
                        "#sent": "sent_at_s",
                        "#until": "claimed_until_s",
                        "#expires": "expires_at_s",
                    },
                    ExpressionAttributeValues=to_item(
                        {":until": now_s + _CLAIM_S, ":now": now_s, ":expires": now_s + _KEPT_S}
                    ),
                )
        except ConditionFailed:
            return False
        return True

    def sent(self, event: BookingEvent, now_s: int) -> None:
        """Marks the mail as sent, for good."""
        with verdicts():
            self._client.update_item(
                TableName=self._table,
                Key=to_item({"booking_id": event.booking_id, "kind": event.kind}),
                UpdateExpression="SET #sent = :now",
                ExpressionAttributeNames={"#sent": "sent_at_s"},
                ExpressionAttributeValues=to_item({":now": now_s}),
            )

    def unclaim(self, event: BookingEvent) -> None:
        """Gives the claim back after a failed attempt, so that the next delivery of the event may try at once."""
        with verdicts():
            self._client.update_item(
                TableName=self._table,
                Key=to_item({"booking_id": event.booking_id, "kind": event.kind}),
                UpdateExpression="REMOVE #until",
                ExpressionAttributeNames={"#until": "claimed_until_s"},
            )


class Bookings:
    """The booking service, seen from here."""

    def __init__(self, describe: Callable[[Any], Any]) -> None:
        self._describe = describe

    def facts(self, booking_id: str) -> BookingFacts:
        """What a mail needs to know.

        Raises:
            BookingNotFound: there is none.
            StoreBusy: no verdict.
        """
        return msgspec.convert(self._describe({"booking_id": booking_id}), BookingFacts)


class MailServer:
    """Amazon SES."""

    def __init__(self, client: "SESClient", sender: str) -> None:
        self._client = client
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Sends one mail.

        Raises:
            ServiceUnavailable: SES did not take it.
        """
        try:
            self._client.send_email(
                Source=self._sender,
                Destination={"ToAddresses": [mail.to]},
                Message={"Subject": {"Data": mail.subject}, "Body": {"Text": {"Data": mail.body}}},
            )
        except (BotoCoreError, ClientError) as error:
            # By its code only, and without a cause that would be logged: SES's words name the address it does not take.
            why = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            raise ServiceUnavailable(f"the mail server did not take the mail: {why}") from None
