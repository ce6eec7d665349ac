"""The way to one node whose URL says no more than where it is and who we are.

Importing redis-py costs a function that is starting a quarter of all that it does, and such a node needs none of it:
TCP or TLS, one AUTH, one SELECT.
"""

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from chalicelib.locking import wire
from chalicelib.locking.iam import NotSignedError, Sessions, new_session, signer
from chalicelib.locking.link import Link, Unanswered, trouble_of
from chalicelib.locking.verdicts import Trouble
from chalicelib.locking.wire import ServerError

_PORT = 6379
_OUR_OPTIONS = {"iam", "iam_serverless"}
_ALIVE_OPTIONS = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}  # seconds, seconds, times; as redis-py's

type Credentials = Callable[[], tuple[str, ...]]
"""Makes what AUTH is told: a password, or a user and a password. It raises NotSignedError."""


class Address(NamedTuple):
    """Where a node is, and who we are there."""

    host: str
    port: int
    encrypted: bool
    database: int
    credentials: Credentials | None


def plain_address(url: str, sessions: Sessions = new_session) -> Address | None:
    """What the URL says, or None if it says more: then it is redis-py's.

    Args:
        url: with one host.
        sessions: for a user who signs in with AWS's tokens.

    Raises:
        ValueError: it makes no sense.
    """
    parts = urlsplit(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    database = parts.path.strip("/") or "0"
    if parts.scheme not in {"redis", "rediss"} or options.keys() - _OUR_OPTIONS or not database.isdecimal():
        return None
    return Address(
        host=unquote(parts.hostname or "localhost"),
        port=parts.port or _PORT,
        encrypted=parts.scheme == "rediss",
        database=int(database),
        credentials=_credentials(unquote(parts.username or ""), unquote(parts.password or ""), options, sessions),
    )


def open_link(address: Address, timeout_s: float) -> Link:
    """A new connection to the node, signed in.

    Raises:
        Unanswered: it could not be opened, or the node does not let us in. No request was sent.
    """
    try:
        told = address.credentials() if address.credentials else None
        link = Link(_connected(address, timeout_s), timeout_s)
    except NotSignedError as error:
        raise Unanswered(Trouble.NOT_AUTHENTICATED, sent=False) from error
    except (OSError, ValueError) as error:  # a name that can't be one is a ValueError
        raise Unanswered(trouble_of(error), sent=False) from error
    try:
        if told:
            _demand(link, wire.pack(b"AUTH", *(each.encode() for each in told)), otherwise=Trouble.NOT_AUTHENTICATED)
        if address.database:
            _demand(link, wire.pack(b"SELECT", str(address.database).encode()), otherwise=Trouble.PROTOCOL)
    except Unanswered as lost:
        with contextlib.suppress(OSError):
            link.close()
        raise Unanswered(lost.trouble, sent=False) from lost
    return link


def _credentials(user: str, password: str, options: dict[str, list[str]], sessions: Sessions) -> Credentials | None:
    if "iam" in options:
        if not user or password:
            raise ValueError("iam needs a user before the host, and no password: rediss://user@host:port?iam=cache")
        return signer(user, options["iam"][0], serverless=options.get("iam_serverless") == ["true"], sessions=sessions)
    if user:
        return lambda: (user, password)
    return (lambda: (password,)) if password else None


def _connected(address: Address, timeout_s: float) -> socket.socket:
    opened = socket.create_connection((address.host, address.port), timeout_s)
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _ALIVE_OPTIONS.items():
            if hasattr(socket, name):
                opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        if not address.encrypted:
            return opened
        return ssl.create_default_context().wrap_socket(opened, server_hostname=address.host)
    except BaseException:
        opened.close()
        raise


def _demand(link: Link, request: bytes, *, otherwise: Trouble) -> None:
    link.send(request)
    reply = link.receive()
    if reply == b"OK":
        return
    trouble = reply.trouble if isinstance(reply, ServerError) else Trouble.PROTOCOL
    raise Unanswered(otherwise if trouble is Trouble.PROTOCOL else trouble, sent=True)
