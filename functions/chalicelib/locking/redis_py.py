"""What redis-py does for the lock: Sentinel, and connections whose URL has options of its own.

Only those who use it import this module: redis-py costs a function that is starting a tenth of a second.
"""

from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.credentials import CredentialProvider
from redis.retry import Retry
from redis.sentinel import Sentinel

from chalicelib.locking.hosts import Node, split_hosts
from chalicelib.locking.iam import NotSignedError, Sessions, signer
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
        sessions: for users who sign in with AWS's tokens.
    """

    def __init__(self, timeout_s: float, sessions: Sessions) -> None:
        self.timeout_s = timeout_s
        self._sessions = sessions

    def node(self, url: str) -> Callable[[], Link]:
        """Opens links to a node."""
        options = self._options(url)
        self._connection(options)  # an option that redis-py doesn't know shows now, not at the first booking
        return lambda: self._link(options)

    def sentinel(self, url: str) -> Callable[[], Link]:
        """Opens links to whichever node the sentinels call the master."""
        first, hosts, service = split_hosts(url)
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

    def node_at(self, url: str) -> Callable[[Node], Link]:
        """Opens links to any node of a cluster, as the URL says of one of them."""
        options = self._options(url)
        self._connection(options)
        return lambda node: self._link({**options, "host": node.host, "port": node.port})

    def _options(self, url: str) -> dict[str, Any]:
        options: dict[str, Any] = {**parse_url(url), **self._limits()}
        cache, serverless = options.pop("iam", None), options.pop("iam_serverless", "false")
        if cache is None:
            return options
        user = options.pop("username", None)
        if not user or "password" in options:
            raise ValueError("iam needs a user before the host, and no password: rediss://user@host:port?iam=cache")
        sign = signer(user, cache, serverless=serverless == "true", sessions=self._sessions)
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
