"""From a URL to a lock."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from chalicelib.locking.hosts import split_hosts
from chalicelib.locking.iam import Sessions, new_session
from chalicelib.locking.no_lock import NoLock
from chalicelib.locking.plain import open_link, plain_address
from chalicelib.locking.server import Server
from chalicelib.locking.server_lock import ServerLock
from chalicelib.locking.verdicts import SeatLock

if TYPE_CHECKING:
    from chalicelib.locking.cluster import ClusterServer
    from chalicelib.locking.link import Link
    from chalicelib.locking.redis_py import Maker

_NEXT_URL = re.compile(r",(?=[a-z+]+://)")
_REDLOCK_NODES_MIN = 3


class LockUrlError(ValueError):
    """The lock's URL can't be used; the message says what is wrong, without the password. Nothing was opened."""


class _How(NamedTuple):
    """What all connections of a lock have in common."""

    timeout_s: float
    sessions: Sessions


def open_lock(
    url: str,
    ttl_ms: int,
    timeout_ms: int = 50,
    *,
    lead_first: bool = True,
    sessions: Sessions = new_session,
) -> SeatLock:
    """The lock that the URL names. Nothing is connected until its first use.

    Args:
        url: ``redis://`` or ``rediss://`` for one node; ``redis+sentinel://host:port,host:port/service``;
            ``redis+cluster://host:port``; an odd number of node URLs, with commas between, for Redlock; ``none:`` for
            no lock at all. ``rediss+sentinel`` and ``rediss+cluster`` for TLS. User and password stand before the host,
            redis-py's options behind the question mark. ``iam=<cache>`` (with ``iam_serverless=true`` where it is)
            signs in with AWS tokens instead of a password.
        ttl_ms: a lock's lifetime.
        timeout_ms: the most that connecting, a send and a reply may each take.
        lead_first: Redlock only. True asks one node first and the others only if it agrees, so that a refusal costs one
            command and of many at once one wins; False asks all at once, so that a success takes one round trip.
        sessions: gives the botocore session that signs AWS's tokens.

    Raises:
        LockUrlError: the URL can't be used.
    """
    if url == "none:":
        return NoLock(ttl_ms)
    how = _How(timeout_ms / 1000, sessions)
    urls = _NEXT_URL.split(url)
    try:
        if len(urls) > 1:
            return _redlock(urls, ttl_ms, how, lead_first=lead_first)
        scheme = urlsplit(url).scheme
        if scheme.endswith("+cluster"):
            return ServerLock(_cluster(url, how), ttl_ms)
        to_sentinel = scheme.endswith("+sentinel")
        open_one = _redis_py(how).sentinel(url) if to_sentinel else _node(url, how)
        return ServerLock(Server(open_one), ttl_ms)
    except (ValueError, TypeError) as error:
        raise LockUrlError(f"{_without_password(url)}: {_without_password(str(error))}") from error


def _node(url: str, how: _How) -> "Callable[[], Link]":
    """Opens links to a node."""
    address = plain_address(url, how.sessions)
    if address is None:
        return _redis_py(how).node(url)
    return lambda: open_link(address, how.timeout_s)


def _cluster(url: str, how: _How) -> "ClusterServer":
    """The lock's operations on a cluster."""
    from chalicelib.locking.cluster import ClusterServer  # noqa: PLC0415 - only those who use it pay for it

    first, nodes, _ = split_hosts(url)
    address = plain_address(first, how.sessions)
    if address is None:
        return ClusterServer(nodes, _redis_py(how).node_at(first))
    return ClusterServer(nodes, lambda node: open_link(address._replace(host=node.host, port=node.port), how.timeout_s))


def _redis_py(how: _How) -> "Maker":
    from chalicelib.locking.redis_py import Maker  # noqa: PLC0415 - only those who use it pay for it

    return Maker(how.timeout_s, how.sessions)


def _redlock(urls: list[str], ttl_ms: int, how: _How, *, lead_first: bool) -> SeatLock:
    from chalicelib.locking.redlock import Redlock  # noqa: PLC0415 - only those who use it pay for it

    if len(urls) < _REDLOCK_NODES_MIN or len(urls) % 2 == 0:
        raise ValueError(f"Redlock needs an odd number of nodes, three at least, not {len(urls)}")
    if len(set(urls)) < len(urls):
        raise ValueError("Redlock needs independent nodes, and one is named twice")
    return Redlock([_node(url, how) for url in urls], ttl_ms, how.timeout_s, lead_first=lead_first)


def _without_password(url: str) -> str:
    shown = re.sub(r"//.*@", "//***@", url)
    return re.sub(r"(password=)[^&,]*", r"\1***", shown)
