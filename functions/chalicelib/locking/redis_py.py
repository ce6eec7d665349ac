"""What redis-py does for the lock: Sentinel, clusters, and nodes whose URL has options of its own.

Only those who use it import this module: redis-py costs a function that is starting a tenth of a second.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.credentials import CredentialProvider
from redis.retry import Retry
from redis.sentinel import Sentinel

from chalicelib.locking.cluster import ClusterServer
from chalicelib.locking.iam import NotSignedError, signer
from chalicelib.locking.link import Link, Unanswered
from chalicelib.locking.redis_troubles import trouble_of
from chalicelib.locking.verdicts import Trouble


class IamCredentials(CredentialProvider):
    """A new token for each new connection; redis-py asks for it while it connects.

    Args:
        sign: returns a user's name and a new token.
    """

    def __init__(self, sign: Callable[[], tuple[str, str]]) -> None:
        self._sign = sign

    def get_credentials(self) -> tuple[str, str]:
        """User and token.

        Raises:
            redis.AuthenticationError: none could be signed.
        """
        try:
            return self._sign()
        except NotSignedError as error:
            raise redis.AuthenticationError(str(error)) from error


class Maker:
    """Makes what a URL names; each method raises ValueError or TypeError for one that can't be used.

    Args:
        timeout_s: the most that connecting, a send and a reply may each take.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s

    def node(self, url: str) -> Callable[[], Link]:
        """Opens links to a node."""
        options = self._options(url)
        self._connection(options)  # an option that redis-py doesn't know shows now, not at the first booking
        return lambda: self._link(options)

    def sentinel(self, url: str) -> Callable[[], Link]:
        """Opens links to whichever node the sentinels call the master."""
        first, hosts, service = _hosts(url)
        if not service:
            raise ValueError("the service's name is missing: redis+sentinel://host:port,host:port/service")
        options = self._options(first)
        own = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
        encryption = {name: value for name, value in options.items() if name.startswith("ssl_")}
        sentinel = Sentinel(
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
            return self._link({**options, "host": host, "port": port})

        self._connection(options)
        return open_link

    def cluster(self, url: str) -> ClusterServer:
        """The lock's operations on a cluster."""
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
        sign = signer(user, cache, serverless=serverless == "true")
        return {**options, "credential_provider": IamCredentials(sign)}

    def _limits(self) -> dict[str, Any]:
        limits: dict[str, Any] = {"socket_timeout": self.timeout_s, "socket_connect_timeout": self.timeout_s}
        return {**limits, "protocol": 2, "driver_info": None}

    def _connection(self, options: dict[str, Any]) -> redis.Connection:
        kind: type[redis.Connection] = options.get("connection_class", redis.Connection)
        return kind(**{name: value for name, value in options.items() if name != "connection_class"})

    def _link(self, options: dict[str, Any]) -> Link:
        connection = self._connection(options)
        try:
            connection.connect()
        except Exception as error:
            # Not every failure is a RedisError: a host that is no name, an authority's file that is missing.
            connection.disconnect()
            raise Unanswered(trouble_of(error), sent=False) from error
        opened, connection._sock = connection._get_socket(), None  # redis-py would close it with the connection
        if opened is None:
            raise Unanswered(Trouble.REFUSED, sent=False)
        return Link(opened, self.timeout_s)


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
