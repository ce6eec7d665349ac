"""Other locks, each called as its documentation says, at its best settings for a lock that doesn't wait."""

import asyncio
import threading
from collections.abc import Sequence

import redis
import redis_lock
from glide import (
    ConditionalChange,
    ExpirySet,
    ExpiryType,
    GlideClient,
    GlideClientConfiguration,
    NodeAddress,
)
from pottery import Redlock as PotteryRedlock
from pottery.exceptions import PotteryError
from redis.backoff import NoBackoff
from redis.lock import Lock as RedisPyLock
from redis.retry import Retry
from redlock import Lock as RedlockPyLock
from redlock import MultipleRedlockException
from redlock import Redlock as RedlockPy

from tests.benchmarks.locks.competitor import TTL_S, BenchmarkError, Competitor, Entry, Locker

BASE = "redis-py, two commands"
FAILURES = (redis.RedisError, PotteryError, MultipleRedlockException)
"""What a peer raises when it neither took a lock nor was refused it."""
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


def client(port: int, timeout_s: float | None = None) -> "redis.Redis":
    """redis-py's client: as it comes, or with a time-out and no retries, which is what a frozen node asks for."""
    if timeout_s is None:
        return redis.Redis(port=port)
    no_retries = Retry(NoBackoff(), 0)
    return redis.Redis(port=port, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=no_retries)


class TwoCommands(Locker):
    """What a lock costs that is nothing but redis-py: SET NX EX, and a script by its hash."""

    def __init__(self, ports: Sequence[int], timeout_s: float | None) -> None:
        self._client = client(ports[0], timeout_s)
        self._sha = self._client.script_load(_RELEASE)

    def acquire(self, name: str, token: str) -> tuple[str, str] | None:
        """SET NX EX."""
        return (name, token) if self._client.set(name, token, nx=True, ex=TTL_S) else None

    def release(self, held: tuple[str, str]) -> None:
        """EVALSHA."""
        self._client.evalsha(self._sha, 1, *held)


class RedisPy(Locker):
    """redis-py's own Lock: an object a lock."""

    def __init__(self, ports: Sequence[int], timeout_s: float | None) -> None:
        self._client = client(ports[0], timeout_s)

    def acquire(self, name: str, token: str) -> RedisPyLock | None:
        """One SET."""
        lock = self._client.lock(name, timeout=TTL_S)
        return lock if lock.acquire(blocking=False, token=token) else None

    def release(self, held: RedisPyLock) -> None:
        """One script."""
        held.release()


class PythonRedisLock(Locker):
    """python-redis-lock: an object a lock, with a list that wakes who waits."""

    prefix = "lock:"
    renews = False

    def __init__(self, ports: Sequence[int], timeout_s: float | None) -> None:
        self._client = client(ports[0], timeout_s)

    def acquire(self, name: str, token: str) -> "redis_lock.Lock | None":  # noqa: ARG002 - it makes a token of its own
        """GET and SET."""
        lock = redis_lock.Lock(self._client, name, expire=TTL_S, auto_renewal=self.renews)
        return lock if lock.acquire(blocking=False) else None

    def release(self, held: "redis_lock.Lock") -> None:
        """One script of five commands."""
        held.release()


class RenewedPythonRedisLock(PythonRedisLock):
    """The same with its renewal: a thread a lock."""

    renews = True


class Pottery(Locker):
    """pottery's Redlock: an object a lock, a thread a node and call."""

    prefix = "redlock:"

    def __init__(self, ports: Sequence[int], timeout_s: float | None) -> None:
        self._masters = frozenset(client(port, timeout_s) for port in ports)

    def acquire(self, name: str, token: str) -> PotteryRedlock | None:  # noqa: ARG002 - it makes a token of its own
        """All nodes at once; goes on at a majority."""
        lock = PotteryRedlock(key=name, masters=self._masters, auto_release_time=TTL_S)
        return lock if lock.acquire(blocking=False) else None

    def release(self, held: PotteryRedlock) -> None:
        """All nodes at once; goes on at a majority."""
        held.release()

    def settle(self) -> None:
        """Waits for the threads that were left behind at a majority."""
        for thread in threading.enumerate():
            if thread.name.startswith("ThreadPoolExecutor"):
                thread.join(timeout=10)


class RedlockPyCompetitor(Locker):
    """redlock-py: one node after the other."""

    def __init__(self, ports: Sequence[int], timeout_s: float | None) -> None:
        # It takes a delay of 0 for "not given" and sleeps 200 ms after its last try too.
        self._redlock = RedlockPy([client(port, timeout_s) for port in ports], retry_count=1, retry_delay=1e-9)

    def acquire(self, name: str, token: str) -> RedlockPyLock | None:  # noqa: ARG002 - it makes a token of its own
        """Each node's SET."""
        lock: RedlockPyLock | bool = self._redlock.lock(name, TTL_S * 1000)
        return lock if isinstance(lock, RedlockPyLock) else None

    def release(self, held: RedlockPyLock) -> None:
        """Each node's EVAL."""
        self._redlock.unlock(held)


class Glide(Competitor):
    """valkey-glide: two commands. The package has an asynchronous client only, so a batch is one coroutine."""

    def __init__(self, ports: Sequence[int], timeout_s: float | None) -> None:
        self._loop = asyncio.new_event_loop()
        timeout_ms = None if timeout_s is None else round(timeout_s * 1000)
        options = GlideClientConfiguration([NodeAddress("127.0.0.1", ports[0])], request_timeout=timeout_ms)
        self._client = self._loop.run_until_complete(GlideClient.create(options))
        self._expiry = ExpirySet(ExpiryType.SEC, TTL_S)

    def pairs(self, names: Sequence[str], tokens: Sequence[str]) -> None:
        """SET NX EX and DELIFEQ."""
        self._loop.run_until_complete(self._pairs(names, tokens))

    def refusals(self, names: Sequence[str], tokens: Sequence[str]) -> None:
        """SET NX EX."""
        self._loop.run_until_complete(self._refusals(names, tokens))

    def close(self) -> None:
        """Ends the client and its loop."""
        self._loop.run_until_complete(self._client.close())
        self._loop.close()

    async def _pairs(self, names: Sequence[str], tokens: Sequence[str]) -> None:
        for name, token in zip(names, tokens, strict=True):
            if not await self._set(name, token):
                raise BenchmarkError(f"{name} was not free")
            await self._client.delifeq(name, token)

    async def _refusals(self, names: Sequence[str], tokens: Sequence[str]) -> None:
        for name, token in zip(names, tokens, strict=True):
            if await self._set(name, token):
                raise BenchmarkError(f"{name} was taken though another holds it")

    async def _set(self, name: str, token: str) -> bool:
        free = ConditionalChange.ONLY_IF_DOES_NOT_EXIST
        return bool(await self._client.set(name, token, conditional_set=free, expiry=self._expiry))


PEERS = (
    Entry(BASE, 1, TwoCommands, "`set(nx=True, ex=900)`, `evalsha` of compare-and-delete"),
    Entry("redis-py Lock", 1, RedisPy, "`client.lock(…)`, `acquire(blocking=False, token=…)`, `release()`"),
    Entry("python-redis-lock", 1, PythonRedisLock, "`Lock(…, expire=900)`, `acquire(blocking=False)`, `release()`"),
    Entry(
        "python-redis-lock, auto_renewal",
        1,
        RenewedPythonRedisLock,
        "the same with `auto_renewal=True`",
        watches="python-redis-lock",
    ),
    Entry("pottery Redlock, 1 node", 1, Pottery, "`Redlock(…)`, `acquire(blocking=False)`, `release()`"),
    Entry("redlock-py, 1 node", 1, RedlockPyCompetitor, "`lock(…)`, `unlock(…)`; `retry_count=1, retry_delay=1e-9`"),
    Entry("valkey-glide", 1, Glide, "`await set(…, ONLY_IF_DOES_NOT_EXIST)`, `await delifeq(…)`"),
    Entry("pottery Redlock, 5 nodes", 5, Pottery, "as with 1 node"),
    Entry("redlock-py, 5 nodes", 5, RedlockPyCompetitor, "as with 1 node"),
)
