"""The seat lock of a stage on AWS: the URL and the user of the template, on a server that shows itself as a serverless
cache does: one endpoint with TLS for all slots of a cluster, and a user who signs in with an IAM token."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.session import Session

from chalicelib.locking import Acquisition, Extension, Release, SeatLock, Trouble, open_lock, seat_key
from chalicelib.locking.iam import sign_token
from chalicelib.locking.wire import EXTEND_SCRIPT, RELEASE_SCRIPT
from leleka.stack.config import free_ports
from tests.functional.locking.topologies import Node, start_node, wait_until
from tests.templates import merge_template
from tests.tls import Authority, TlsFront

SEATS = [seat_key("KBP-BCN-0615", f"{row}{letter}") for row in range(1, 6) for letter in "ABCDEF"]
USER, CACHE = "leleka-prod-seats", "leleka-prod-seats"


class Cache:
    """A server behind its endpoint, and the URL that the functions are told."""

    def __init__(self, node: Node, url: str) -> None:
        self.node, self.url = node, url
        self.tokens: list[str] = []

    def let_in(self, token: str) -> None:
        """ElastiCache checks a token by itself; here it is the user's password from now on."""
        self.tokens.append(token)
        self.node.ask("ACL", "SETUSER", USER, "reset", f">{token}", *_rules())

    def lock(self) -> SeatLock:
        """The lock as the functions open it."""
        return open_lock(self.url, ttl_ms=60_000, timeout_ms=500)


def _rules() -> list[str]:
    user = merge_template()["Resources"]["SeatCacheUser"]["Properties"]
    return str(user["AccessString"]).split()


def _url(port: int) -> str:
    variables = merge_template()["Resources"]["ReserveSeat"]["Properties"]["Environment"]["Variables"]
    _, own_cache, _ = variables["LOCK_URL"]["Fn::If"]
    text, _ = own_cache["Fn::Sub"]
    given = {"User": USER, "Host": "127.0.0.1", "Port": str(port), "SeatCache": CACHE}
    for name, value in given.items():
        text = text.replace(f"${{{name}}}", value)
    return str(text)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cache]:
    """A Valkey that has all slots and names its endpoint's port, not its own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    authority = Authority(tmp_path, "ours")
    port, bus_port = free_ports(2)
    front = TlsFront(port, authority.server_context())
    place = ("--cluster-port", str(bus_port), "--cluster-announce-ip", "127.0.0.1")
    node = start_node(
        tmp_path, "--cluster-enabled", "yes", *place, "--cluster-announce-port", str(front.port), port=port
    )
    try:
        node.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_until(lambda: b"cluster_state:ok" in node.ask("CLUSTER", "INFO"), "the cluster")
        made = Cache(node, f"{_url(front.port)}&ssl_ca_certs={authority.file}")

        def sign(user: str, cache: str, *, serverless: bool, session: Session) -> tuple[str, str]:
            name, token = sign_token(user, cache, serverless=serverless, session=session)
            made.let_in(f"{token}&number={len(made.tokens)}")  # two tokens of the same second are the same
            return name, made.tokens[-1]

        monkeypatch.setattr("chalicelib.locking.iam.sign_token", sign)
        yield made
    finally:
        front.end()
        node.end()


def test_everything_that_the_lock_does_goes_with_the_templates_url_and_user(cache: Cache) -> None:
    """TLS, tokens and slots together; the user may do no more than this, and nothing of it is refused."""
    lock, (mine, other) = cache.lock(), SEATS[:2]
    assert lock.acquire(mine, "lock-a").verdict is Acquisition.ACQUIRED
    assert lock.acquire(mine, "lock-a").verdict is Acquisition.ALREADY_OURS
    assert lock.acquire(mine, "lock-b").verdict is Acquisition.HELD_BY_ANOTHER
    assert lock.extend(mine, "lock-a").verdict is Extension.EXTENDED
    assert lock.extend(mine, "lock-b").verdict is Extension.OWNED_BY_ANOTHER
    assert lock.extend(other, "lock-a").verdict is Extension.EXPIRED
    assert lock.inspect(mine).owner == "lock-a"
    assert lock.release(mine, "lock-b").verdict is Release.OWNED_BY_ANOTHER
    assert lock.release(mine, "lock-a").verdict is Release.RELEASED
    assert {lock.acquire(key, "lock-a").verdict for key in SEATS} == {Acquisition.ACQUIRED}
    refused = [entry[b"object"] for entry in cache.node.ask("ACL", "LOG")]
    # The script stands in for DELIFEQ, which Valkey 9 has; redis-py, which trusts an authority of the URL's, tells its
    # name, and doesn't mind a no.
    assert set(refused) <= {b"delifeq", b"client|setinfo"}


@pytest.mark.parametrize("script", [RELEASE_SCRIPT, EXTEND_SCRIPT])
def test_the_user_may_run_what_the_scripts_call(cache: Cache, script: bytes) -> None:
    """An engine before 8.1 has neither DELIFEQ nor IFEQ, and a script may do what its user may."""
    cache.let_in("any")
    called = re.findall(r"redis\.call\('(\w+)', KEYS\[1\]((?:, ARGV\[2\])?)", script.decode())
    assert len(called) == 2
    for command, option in called:
        told = [SEATS[0], *(["1"] if option else [])]
        assert cache.node.ask("ACL", "DRYRUN", USER, command, *told) == b"OK"


def test_the_token_is_for_this_user_and_a_serverless_cache(cache: Cache) -> None:
    """As ElastiCache wants it: the cache's name in place of a host, the user, the resource's type."""
    assert cache.lock().acquire(SEATS[0], "lock-a").verdict is Acquisition.ACQUIRED
    assert cache.tokens
    for token in cache.tokens:
        assert token.startswith(f"{CACHE}/?Action=connect&User={USER}&ResourceType=ServerlessCache&")


def test_after_the_cache_cuts_its_connections_a_new_token_opens_another(cache: Cache) -> None:
    """It does so twelve hours after they were opened; by then the first token has run out."""
    lock = cache.lock()
    assert lock.acquire(SEATS[0], "lock-a").verdict is Acquisition.ACQUIRED
    before = len(cache.tokens)
    cache.node.cut_clients()
    assert lock.acquire(SEATS[0], "lock-a").verdict is Acquisition.ALREADY_OURS
    assert len(cache.tokens) > before


def test_a_token_that_is_refused_leaves_the_seat_to_the_database(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown, and why: not an exception, and not a refusal."""
    monkeypatch.setattr("chalicelib.locking.iam.sign_token", lambda *_, **__: (USER, "stale"))
    cache.let_in("fresh")
    assert cache.lock().acquire(SEATS[0], "lock-a") == (Acquisition.UNKNOWN, None, Trouble.NOT_AUTHENTICATED)


def test_the_user_reaches_the_seats_locks_only(cache: Cache) -> None:
    """Whatever else somebody may keep in that cache one day."""
    lock = cache.lock()
    assert lock.acquire("berth:KBP-BCN-0615:12A:lock", "lock-a").trouble is Trouble.NOT_AUTHENTICATED
