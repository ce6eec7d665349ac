"""The few commands of the lock as bytes, and the replies to them.

RESP2: https://valkey.io/topics/protocol/. The commands that each booking sends are templates, since a general encoder
costs more than the command's whole way through the server; the others go through ``pack``.
"""

from typing import NamedTuple

from chalicelib.locking.verdicts import Trouble

# Each answers with the owner that it found, so that one command tells ours, another's and none apart. They are sent
# whole, never by their hash: a server that was restarted, failed over or flushed has forgotten every hash.
RELEASE_SCRIPT = (
    b"local owner = redis.call('GET', KEYS[1]) if owner == ARGV[1] then redis.call('DEL', KEYS[1]) end return owner"
)
EXTEND_SCRIPT = (
    b"local owner = redis.call('GET', KEYS[1]) "
    b"if owner == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return owner"
)


class ServerError(NamedTuple):
    """An error reply."""

    message: str

    @property
    def code(self) -> str:
        """Its first word: READONLY, OOM, NOSCRIPT, ERR …"""
        return self.message.partition(" ")[0]

    @property
    def unsupported(self) -> bool:
        """Whether the server doesn't know the command, or its option, or doesn't let this user run it."""
        text = self.message.lower()
        return self.code == "NOPERM" or text.startswith(("err unknown command", "err syntax error"))

    @property
    def trouble(self) -> Trouble:
        """What it means to a lock."""
        return _TROUBLES.get(self.code, Trouble.PROTOCOL)


_LISTS_MAX = 4  # ranges of slots, nodes of a range, what is known of a node

type Reply = bytes | int | ServerError | list[Reply] | None

_TROUBLES = {
    "READONLY": Trouble.READ_ONLY,
    "OOM": Trouble.OUT_OF_MEMORY,
    "NOAUTH": Trouble.NOT_AUTHENTICATED,
    "WRONGPASS": Trouble.NOT_AUTHENTICATED,
    "NOPERM": Trouble.NOT_AUTHENTICATED,
    "LOADING": Trouble.NOT_READY,
    "MASTERDOWN": Trouble.NOT_READY,
    "CLUSTERDOWN": Trouble.NOT_READY,
    "NOREPLICAS": Trouble.NOT_READY,
    "MISCONF": Trouble.NOT_READY,
    "BUSY": Trouble.NOT_READY,
    "TRYAGAIN": Trouble.NOT_READY,
}


def pack(*arguments: bytes) -> bytes:
    """Any command."""
    return b"*%d\r\n" % len(arguments) + b"".join([b"$%d\r\n%b\r\n" % (len(each), each) for each in arguments])


ASKING = pack(b"ASKING")
"""Before a request that a cluster's node sent on for now."""

CLUSTER_SLOTS = pack(b"CLUSTER", b"SLOTS")
"""Which node has which slots: the only reply with lists in it."""


def set_if_free(key: bytes, owner: bytes, ttl_ms: bytes) -> bytes:
    """``SET key owner NX GET PX ttl``: the reply is nothing if it was free, else the owner. Redis 7.0, any Valkey."""
    return b"*7\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$2\r\nNX\r\n$3\r\nGET\r\n$2\r\nPX\r\n$%d\r\n%b\r\n" % (
        len(key),
        key,
        len(owner),
        owner,
        len(ttl_ms),
        ttl_ms,
    )


def set_if_owner(key: bytes, owner: bytes, ttl_ms: bytes) -> bytes:
    """``SET key owner IFEQ owner GET PX ttl``: the reply is the owner found, if any. Valkey 8.1, Redis 8.4."""
    return pack(b"SET", key, owner, b"IFEQ", owner, b"GET", b"PX", ttl_ms)


def extend_script(key: bytes, owner: bytes, ttl_ms: bytes) -> bytes:
    """The same for every other server."""
    return pack(b"EVAL", EXTEND_SCRIPT, b"1", key, owner, ttl_ms)


def delete_if_equal(key: bytes, owner: bytes) -> bytes:
    """``DELIFEQ key owner``: 1 if it was deleted, else 0. Valkey 9.0."""
    return b"*3\r\n$7\r\nDELIFEQ\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(key), key, len(owner), owner)


def delete_expecting(key: bytes, owner: bytes) -> bytes:
    """``DELEX key IFEQ owner``: 1 if it was deleted, else 0. Redis 8.4."""
    return pack(b"DELEX", key, b"IFEQ", owner)


def release_script(key: bytes, owner: bytes) -> bytes:
    """The same for every other server; the reply is the owner found, if any."""
    return pack(b"EVAL", RELEASE_SCRIPT, b"1", key, owner)


def read_reply(data: bytes, start: int = 0, *, lists: int = _LISTS_MAX) -> tuple[Reply, int] | None:  # noqa: PLR0911 - one return for each kind of reply
    """The reply in ``data`` from ``start`` on, and where it ends, or None if it has not all come yet.

    Args:
        data: what the server sent.
        start: where the reply begins.
        lists: how deep lists may be in one another.

    Raises:
        ValueError: this is no reply that a lock's command can have.
    """
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind, head, end = data[start : start + 1], data[start + 1 : line_end], line_end + 2
    if kind == b"$":
        size = int(head)
        if size < 0:
            return None, end
        if len(data) < end + size + 2:
            return None
        return data[end : end + size], end + size + 2
    if kind == b":":
        return int(head), end
    if kind == b"+":
        return head, end
    if kind == b"-":
        return ServerError(head.decode(errors="replace")), end
    if kind == b"*" and lists:
        return _read_list(data, end, int(head), lists=lists - 1)
    raise ValueError(f"a lock's command has no reply of kind {kind!r}")


def _read_list(data: bytes, start: int, size: int, *, lists: int) -> tuple[Reply, int] | None:
    found: list[Reply] = []
    for _ in range(size):
        read = read_reply(data, start, lists=lists)
        if read is None:
            return None
        reply, start = read
        found.append(reply)
    return found, start
