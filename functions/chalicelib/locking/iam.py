"""Signing in to ElastiCache with AWS credentials instead of a password.

A token is a presigned request to connect, without its scheme. It opens connections for 15 minutes, and a connection
stays open for 12 hours: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from botocore.session import Session

_TOKEN_LIFETIME_S = 900


type Sessions = Callable[[], Session]
"""Gives the botocore session whose credentials sign. A function has one already, and making another takes 9 ms."""


class NotSignedError(Exception):
    """No token could be signed: there are no credentials, or no region."""


def new_session() -> "Session":
    """A session with the credentials of the process."""
    from botocore.session import get_session  # noqa: PLC0415 - only those who use it pay for it

    return get_session()


def signer(user: str, cache: str, *, serverless: bool, sessions: Sessions) -> Callable[[], tuple[str, str]]:
    """Makes the user's name and a new token, for each new connection. It raises NotSignedError."""

    def sign() -> tuple[str, str]:
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - only those who use it pay for it

        try:
            return sign_token(user, cache, serverless=serverless, session=sessions())
        except BotoCoreError as error:
            raise NotSignedError(f"no token could be signed: {error}") from error

    return sign


def sign_token(user: str, cache: str, *, serverless: bool, session: "Session") -> tuple[str, str]:
    """The user's name and a token for the cache, signed with the credentials and in the region of the session.

    Raises:
        botocore.exceptions.BotoCoreError: there are no credentials, or no region.
    """
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - only those who use it pay for it
    from botocore.model import ServiceId  # noqa: PLC0415 - as above
    from botocore.signers import RequestSigner  # noqa: PLC0415 - as above

    region = session.get_config_variable("region")
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    events = session.get_component("event_emitter")
    signer = RequestSigner(ServiceId("elasticache"), region, "elasticache", "v4", credentials, events)
    query = {"Action": "connect", "User": user, **({"ResourceType": "ServerlessCache"} if serverless else {})}
    request = {"method": "GET", "url": f"http://{cache}/?{urlencode(query)}", "body": {}, "headers": {}, "context": {}}
    url: str = signer.generate_presigned_url(
        request, operation_name="connect", expires_in=_TOKEN_LIFETIME_S, region_name=region
    )
    return user, url.removeprefix("http://")
