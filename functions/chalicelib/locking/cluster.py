"""A Redis Cluster through redis-py, which knows its slots, follows MOVED and ASK, and finds the nodes again."""

import threading
from collections.abc import Callable
from typing import Any

import redis
from redis.cluster import RedisCluster
from redis.exceptions import NoPermissionError, RedisClusterException

from chalicelib.locking import wire
from chalicelib.locking.link import Unanswered
from chalicelib.locking.redis_troubles import trouble_of
from chalicelib.locking.verdicts import Release, Trouble
from chalicelib.locking.wire import ServerError


class ClusterServer:
    """The lock's operations on a cluster, as in ``server.Server``.

    Args:
        connect: makes the client, with its time-outs set and its own retries off; it asks the cluster for its slots.
    """

    def __init__(self, connect: Callable[[], RedisCluster]) -> None:
        self._connect = connect
        self._client: RedisCluster | None = None
        self._connecting = threading.Lock()
        self._native_extend = True
        self._native_release = True

    def set_if_free(self, key: bytes, owner: bytes, ttl_ms: bytes) -> bytes | None:
        """Sets the owner unless there is one, and returns the one that was there."""
        return self._owner_by("SET", key, owner, "NX", "GET", "PX", ttl_ms)

    def set_if_owner(self, key: bytes, owner: bytes, ttl_ms: bytes) -> bytes | None:
        """Gives the full time again if ``owner`` is the owner, and returns the one that was there."""
        if self._native_extend:
            try:
                return self._owner_by("SET", key, owner, "IFEQ", owner, "GET", "PX", ttl_ms, native=True)
            except _Unsupported:
                self._native_extend = False
        return self._owner_by("EVAL", wire.EXTEND_SCRIPT, "1", key, owner, ttl_ms)

    def delete_if_owner(self, key: bytes, owner: bytes) -> Release:
        """Deletes the key if ``owner`` is the owner."""
        found = self._delete(key, owner)
        if found == owner:
            return Release.RELEASED
        return Release.EXPIRED if found is None else Release.OWNED_BY_ANOTHER

    def owner(self, key: bytes) -> bytes | None:
        """The owner now."""
        return self._owner_by("GET", key)

    def remaining_ms(self, key: bytes) -> int:
        """How long the key lives yet; negative if there is none."""
        return int(self._ask("PTTL", key))

    def close(self) -> None:
        """Ends the connections; the next request makes new ones."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _delete(self, key: bytes, owner: bytes) -> bytes | None:
        """Deletes the key if ``owner`` is the owner, and returns the owner that was there."""
        if self._native_release:
            try:
                return owner if self._ask("DELIFEQ", key, owner, native=True) == 1 else self.owner(key)
            except _Unsupported:
                self._native_release = False
        return self._owner_by("EVAL", wire.RELEASE_SCRIPT, "1", key, owner)

    def _owner_by(self, *arguments: bytes | str, native: bool = False) -> bytes | None:
        found: bytes | None = self._ask(*arguments, native=native)
        return found

    def _ask(self, *arguments: bytes | str, native: bool = False) -> Any:
        try:
            return self._ask_once(*arguments, native=native)
        except Unanswered as lost:
            if lost.trouble not in {Trouble.REFUSED, Trouble.TIMED_OUT}:
                raise
        return self._ask_once(*arguments, native=native)  # the reply was lost, or a node has another master by now

    def _ask_once(self, *arguments: bytes | str, native: bool) -> Any:
        try:
            client = self._client
            if client is None:
                with self._connecting:
                    client = self._client = self._client or self._connect()
            return client.execute_command(*arguments, get=True)  # SET ... GET: the value, not whether it was set
        except (redis.RedisError, RedisClusterException, OSError) as error:
            if native and (isinstance(error, NoPermissionError) or _is_unknown(error)):
                raise _Unsupported from error
            raise Unanswered(trouble_of(error), sent=True) from error


def _is_unknown(error: Exception) -> bool:
    # redis-py asks the nodes for the place of a command's key before it sends it, and says itself that they have none.
    if "doesn't exist in Redis commands" in str(error):
        return True
    return isinstance(error, redis.ResponseError) and ServerError(f"ERR {error}").unsupported


class _Unsupported(Exception):
    """The server doesn't know this command."""
