"""A cluster's slots, from replies as nodes give them."""

import pytest

from chalicelib.locking.hosts import Node
from chalicelib.locking.slots import Redirection, redirection, slot_map, slot_of
from chalicelib.locking.wire import Reply, ServerError

ASKED = Node("cache", 6379)
A, B = Node("10.0.0.1", 7001), Node("10.0.0.2", 7002)


@pytest.mark.parametrize(
    ("key", "slot"),
    [
        (b"123456789", 12739),
        (b"{123456789}:lock", 12739),
        (b"seat:{123456789}{other}", 12739),
    ],
)
def test_a_key_has_a_slot(key: bytes, slot: int) -> None:
    """The specification's own example; tests/functional/locking asks real nodes about many more."""
    assert slot_of(key) == slot


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("MOVED 3999 10.0.0.1:7001", Redirection(A, for_now=False)),
        ("ASK 3999 10.0.0.2:7002", Redirection(B, for_now=True)),
        ("MOVED 3999 :7001", Redirection(Node("cache", 7001), for_now=False)),
        ("MOVED 3999 2001:db8::1:7001", Redirection(Node("2001:db8::1", 7001), for_now=False)),
        ("MOVED 3999 ?:7001", None),
        ("MOVED 3999 10.0.0.1:port", None),
        ("MOVED", None),
    ],
)
def test_a_node_says_who_serves_a_slot(message: str, found: Redirection | None) -> None:
    """Without a host it is the same as was asked; an unknown one can't be followed."""
    assert redirection(ServerError(message), ASKED) == found


def test_a_map_names_the_node_of_each_slot() -> None:
    """The master's, whatever replicas it has; a slot of nobody has none."""
    of_a: Reply = [b"10.0.0.1", 7001, b"id", [b"hostname", b"a.example"]]
    of_b: Reply = [b"10.0.0.2", 7002, b"id"]
    slots = slot_map([[0, 99, of_a, of_b], [200, 299, of_b], [300, 300, of_a], [400, 499, [None, 7009, b"id"]]], ASKED)
    assert [slots.node_of(slot) for slot in (0, 99, 100, 200, 300, 400)] == [A, A, None, B, A, Node("cache", 7009)]
    assert slots.nodes() == [A, B, Node("cache", 7009)]


def test_a_node_without_a_known_host_has_no_slots_for_us() -> None:
    """Whoever is asked instead sends the request on, or says why not."""
    assert slot_map([[0, 99, [b"?", 7001, b"id"]]], ASKED).node_of(5) is None


@pytest.mark.parametrize("reply", [None, b"OK", 5, [5], [[0, 99]], [[0, b"99", [b"h", 1]]], [[0, 99, [b"h"]]]])
def test_what_is_no_map_is_an_error(reply: Reply) -> None:
    """Somebody else answers on that port."""
    with pytest.raises(ValueError, match="slots"):
        slot_map(reply, ASKED)
