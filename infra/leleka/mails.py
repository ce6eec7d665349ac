"""The mails of a local stage: LocalStack delivers none and shows what it was given to send."""

import httpx
import msgspec

from leleka.stage import Stage

_TIMEOUT_S = 10.0


class MailsError(Exception):
    """The mails could not be read; the message says why."""


class Mail(msgspec.Struct, frozen=True):
    """A mail that was sent. ``sent_at`` is RFC 3339 in UTC."""

    to: str
    subject: str
    body: str
    sent_at: str


class _Destination(msgspec.Struct):
    to: list[str] = msgspec.field(name="ToAddresses", default_factory=list)


class _Body(msgspec.Struct):
    text_part: str | None = None


class _Message(msgspec.Struct):
    destination: _Destination = msgspec.field(name="Destination", default_factory=_Destination)
    body: _Body = msgspec.field(name="Body", default_factory=_Body)
    subject: str = msgspec.field(name="Subject", default="")
    timestamp: str = msgspec.field(name="Timestamp", default="")


class _Messages(msgspec.Struct):
    messages: list[_Message]


def sent(stage: Stage, to: str | None, last: int, transport: httpx.BaseTransport | None = None) -> list[Mail]:
    """The last mails that were sent, newest last; those to one address if one is given.

    Raises:
        MailsError: the stage is on AWS, which keeps no mail, or LocalStack did not answer.
    """
    gateway_url = stage.aws.gateway_url
    if gateway_url is None:
        raise MailsError(f"stage {stage.name} is on AWS, which delivers mail and keeps none")
    try:
        with httpx.Client(timeout=_TIMEOUT_S, transport=transport, trust_env=False) as http:
            response = http.get(f"{gateway_url}/_aws/ses").raise_for_status()
        messages = msgspec.json.decode(response.content, type=_Messages).messages
    except httpx.HTTPError as error:
        raise MailsError(f"LocalStack does not tell what was mailed: {type(error).__name__}") from error
    except msgspec.MsgspecError as error:
        raise MailsError(f"LocalStack tells of mails in another form than known: {error}") from error
    found = [_mail(message) for message in messages]
    chosen = [mail for mail in found if to is None or to.casefold() in mail.to.casefold().split(", ")]
    return sorted(chosen, key=lambda mail: mail.sent_at)[-last:]


def _mail(message: _Message) -> Mail:
    sent_at = message.timestamp if message.timestamp.endswith("Z") else f"{message.timestamp}Z"
    return Mail(", ".join(message.destination.to), message.subject, message.body.text_part or "", sent_at)
