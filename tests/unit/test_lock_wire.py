"""The lock's commands and replies as bytes, without a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.locking import Trouble, wire
from chalicelib.locking.dialects import Dialects
from chalicelib.locking.wire import ServerError

REPLIES = [
    (b"$-1\r\n", None),
    (b":1\r\n", 1),
    (b":-2\r\n", -2),
    (b"+OK\r\n", b"OK"),
    (b"$6\r\nlock-a\r\n", b"lock-a"),
    (b"$4\r\na\r\nb\r\n", b"a\r\nb"),
    (b"$0\r\n\r\n", b""),
    (b"-READONLY You can't write\r\n", ServerError("READONLY You can't write")),
    (b"*0\r\n", []),
    (b"*2\r\n*2\r\n:0\r\n$1\r\na\r\n*1\r\n$-1\r\n", [[0, b"a"], [None]]),
]
words = st.binary(max_size=40)


@given(words, words, st.integers(1, 10**9))
def test_the_templates_say_what_the_general_encoder_says(key: bytes, owner: bytes, ttl: int) -> None:
    """They differ in how long they take, and in nothing else."""
    ttl_ms = str(ttl).encode()
    assert wire.set_if_free(key, owner, ttl_ms) == wire.pack(b"SET", key, owner, b"NX", b"GET", b"PX", ttl_ms)
    assert wire.delete_if_equal(key, owner) == wire.pack(b"DELIFEQ", key, owner)


@pytest.mark.parametrize(("data", "reply"), REPLIES)
def test_a_reply_is_read_when_it_is_whole(data: bytes, reply: wire.Reply) -> None:
    """However it is cut, and whatever follows it."""
    for end in range(len(data)):
        assert wire.read_reply(data[:end]) is None
    assert wire.read_reply(data) == (reply, len(data))
    assert wire.read_reply(data + b":0\r\n") == (reply, len(data))
    assert wire.read_reply(b":0\r\n" + data, 4) == (reply, 4 + len(data))


@pytest.mark.parametrize("data", [b"*1\r\n" * 5, b"HTTP/1.1 200 OK\r\n", b"$x\r\n", b":\r\n"])
def test_what_is_no_reply_is_an_error(data: bytes) -> None:
    """Somebody else answers on that port."""
    with pytest.raises(ValueError, match=r"."):
        wire.read_reply(data)


@pytest.mark.parametrize(
    ("message", "trouble"),
    [
        ("READONLY You can't write against a read only replica.", Trouble.READ_ONLY),
        ("OOM command not allowed when used memory > 'maxmemory'.", Trouble.OUT_OF_MEMORY),
        ("NOAUTH Authentication required.", Trouble.NOT_AUTHENTICATED),
        ("WRONGPASS invalid username-password pair or user is disabled.", Trouble.NOT_AUTHENTICATED),
        ("NOPERM User u has no permissions to run the 'set' command", Trouble.NOT_AUTHENTICATED),
        ("LOADING Valkey is loading the dataset in memory", Trouble.NOT_READY),
        ("CLUSTERDOWN The cluster is down", Trouble.NOT_READY),
        ("NOREPLICAS Not enough good replicas to write.", Trouble.NOT_READY),
        ("ERR something else", Trouble.PROTOCOL),
    ],
)
def test_an_error_has_a_meaning_to_a_lock(message: str, trouble: Trouble) -> None:
    """Each kind that a server is known to answer with."""
    assert ServerError(message).trouble is trouble


def test_a_dialect_changes_only_for_what_is_not_understood_and_only_forward() -> None:
    """DELIFEQ, DELEX, Lua; and with Lua there is nothing left to try."""
    release = Dialects().release
    unknown = ServerError("ERR unknown command 'DELIFEQ', with args beginning with: 'k' 'a'")
    assert not release.must_change(1)
    assert not release.must_change(ServerError("READONLY You can't write"))
    assert release.spelling(b"k", b"a").startswith(b"*3\r\n$7\r\nDELIFEQ")
    assert release.must_change(unknown)
    assert release.spelling(b"k", b"a").startswith(b"*4\r\n$5\r\nDELEX")
    assert release.must_change(ServerError("NOPERM User u has no permissions to run the 'delex' command"))
    assert release.spelling(b"k", b"a").startswith(b"*5\r\n$4\r\nEVAL")
    assert not release.must_change(unknown)
