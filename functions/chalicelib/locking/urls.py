"""From a URL to a lock."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

from chalicelib.locking.link import Link, Unanswered, trouble_of
from chalicelib.locking.no_lock import NoLock
from chalicelib.locking.server import Server
from chalicelib.locking.server_lock import ServerLock
from chalicelib.locking.verdicts import SeatLock

_NEXT_URL = re.compile(r",(?=[a-z+]+://)")
_REDLOCK_NODES_MIN = 3


class LockUrlError(ValueError):
    """The lock's URL can't be used; the message says what is wrong, without the password. Nothing was opened."""


def open_lock(url: str, ttl_ms: int, timeout_ms: int = 50, *, lead_first: bool = True) -> SeatLock:
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

    Raises:
        LockUrlError: the URL can't be used.
    """
    if url == "none:":
        return NoLock(ttl_ms)
    make = _Maker(timeout_ms / 1000)
    urls = _NEXT_URL.split(url)
    try:
        if len(urls) > 1:
            return _redlock(urls, make, ttl_ms, lead_first=lead_first)
        scheme = urlsplit(url).scheme
        if scheme.endswith("+cluster"):
            return ServerLock(make.cluster(url), ttl_ms)
        open_link = make.sentinel(url) if scheme.endswith("+sentinel") else make.node(url)
        return ServerLock(Server(open_link), ttl_ms)
    except (ValueError, TypeError) as error:
        raise LockUrlError(f"{_without_password(url)}: {_without_password(str(error))}") from error


class _Maker:
    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s

    def node(self, url: str) -> Callable[[], Link]:
        """Opens links to a node."""
        options = self._options(url)
        self._connection(options)  # an option that redis-py doesn't know shows now, not at the first booking
        return lambda: Link(self._connection(options), self.timeout_s)

    def sentinel(self, url: str) -> Callable[[], Link]:
        """Opens links to whichever node the sentinels call the master."""
        import redis.sentinel  # noqa: PLC0415 - only those who use it pay for it

        first, hosts, service = _hosts(url)
        if not service:
            raise ValueError("the service's name is missing: redis+sentinel://host:port,host:port/service")
        options = self._options(first)
        own = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
        encryption = {name: value for name, value in options.items() if name.startswith("ssl_")}
        sentinel = redis.sentinel.Sentinel(
            hosts,
            sentinel_kwargs={
                **self._limits(),
                "retry": Retry(NoBackoff(), 0),
                **encryption,
                **{name: value for name, value in own.items() if value},
                "ssl": first.startswith("rediss:"),
            },
        )

        def open_link() -> Link:
            try:
                host, port = sentinel.discover_master(service)
            except redis.RedisError as error:
                raise Unanswered(trouble_of(error), sent=False) from error
            return Link(self._connection({**options, "host": host, "port": port}), self.timeout_s)

        self._connection(options)
        return open_link

    def cluster(self, url: str) -> Any:
        """The lock's operations on a cluster."""
        from redis.cluster import ClusterNode, RedisCluster  # noqa: PLC0415 - only those who use it pay for it

        from chalicelib.locking.cluster import ClusterServer  # noqa: PLC0415 - as above

        first, hosts, _ = _hosts(url)
        options = self._options(first)
        for name in ("host", "port", "driver_info"):
            options.pop(name, None)
        encrypted = options.pop("connection_class", None) is not None
        nodes = [ClusterNode(host, port) for host, port in hosts]
        never = Retry(NoBackoff(), 0)  # the lock itself knows which command may be sent again
        return ClusterServer(
            partial(
                RedisCluster,
                startup_nodes=nodes,
                ssl=encrypted,
                require_full_coverage=False,
                retry=never,
                **options,
            )
        )

    def _options(self, url: str) -> dict[str, Any]:
        options: dict[str, Any] = {**parse_url(url), **self._limits()}
        cache, serverless = options.pop("iam", None), options.pop("iam_serverless", "false")
        if cache is None:
            return options
        user = options.pop("username", None)
        if not user or "password" in options:
            raise ValueError("iam needs a user before the host, and no password: rediss://user@host:port?iam=cache")
        from chalicelib.locking.iam import IamCredentials, sign_token  # noqa: PLC0415 - only those who use it pay for it

        sign = partial(sign_token, user, cache, serverless=serverless == "true")
        return {**options, "credential_provider": IamCredentials(sign)}

    def _limits(self) -> dict[str, Any]:
        limits: dict[str, Any] = {"socket_timeout": self.timeout_s, "socket_connect_timeout": self.timeout_s}
        return {**limits, "protocol": 2, "driver_info": None}

    def _connection(self, options: dict[str, Any]) -> redis.Connection:
        kind: type[redis.Connection] = options.get("connection_class", redis.Connection)
        return kind(**{name: value for name, value in options.items() if name != "connection_class"})


def _redlock(urls: list[str], make: _Maker, ttl_ms: int, *, lead_first: bool) -> SeatLock:
    from chalicelib.locking.redlock import Redlock  # noqa: PLC0415 - only those who use it pay for it

    if len(urls) < _REDLOCK_NODES_MIN or len(urls) % 2 == 0:
        raise ValueError(f"Redlock needs an odd number of nodes, three at least, not {len(urls)}")
    if len(set(urls)) < len(urls):
        raise ValueError("Redlock needs independent nodes, and one is named twice")
    return Redlock([make.node(url) for url in urls], ttl_ms, make.timeout_s, lead_first=lead_first)


def _hosts(url: str) -> tuple[str, list[tuple[str, int]], str]:
    """Splits a URL with several hosts into one with the first only, which redis-py can read; all hosts; the path."""
    parts = urlsplit(url)
    user, at, addresses = parts.netloc.rpartition("@")
    hosts = [_host(address) for address in addresses.split(",")]
    scheme = parts.scheme.partition("+")[0]
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}://{user}{at}{addresses.split(',')[0]}{query}", hosts, parts.path.strip("/")


def _host(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"{address!r} is no host:port")
    return host.strip("[]"), int(port)


def _without_password(url: str) -> str:
    shown = re.sub(r"//.*@", "//***@", url)
    return re.sub(r"(password=)[^&,]*", r"\1***", shown)
