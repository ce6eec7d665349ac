"""Who may use the lock's server, and over what: certificates, users, passwords, and AWS tokens."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.session import Session

from chalicelib.locking import Acquisition, Answer, Extension, Release, SeatLock, Trouble, open_lock, seat_key
from chalicelib.locking.iam import new_session, sign_token
from tests.functional.locking.topologies import Node, start_node, start_nodes
from tests.tls import Authority, TlsFront

KEY = seat_key("KBP-BCN-0615", "12A")
TIMEOUT_MS = 500
TIMEOUT_S = TIMEOUT_MS / 1000
MINIMAL_RULES = ("resetchannels", "~seat:*", "-@all", "+set", "+get", "+pttl", "+delifeq")
NOT_LET_IN = (Acquisition.UNKNOWN, None, Trouble.NOT_AUTHENTICATED)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The one that the server's certificate is from."""
    return Authority(tmp_path, "ours")


@pytest.fixture
def front(node: Node, authority: Authority) -> Iterator[TlsFront]:
    """TLS before the server."""
    started = TlsFront(node.port, authority.server_context())
    yield started
    started.end()


def _lock(url: str, timeout_ms: int = TIMEOUT_MS) -> SeatLock:
    return open_lock(url, ttl_ms=60_000, timeout_ms=timeout_ms)


def _timed_acquire(lock: SeatLock, lock_id: str) -> tuple[Answer[Acquisition], float]:
    started_s = time.monotonic()
    answer = lock.acquire(KEY, lock_id)
    return answer, time.monotonic() - started_s


def _use(lock: SeatLock) -> None:
    """Everything that a lock does."""
    assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED
    assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ALREADY_OURS
    assert lock.acquire(KEY, "lock-b").verdict is Acquisition.HELD_BY_ANOTHER
    assert lock.extend(KEY, "lock-a").verdict is Extension.EXTENDED
    assert lock.inspect(KEY).owner == "lock-a"
    assert lock.release(KEY, "lock-b").verdict is Release.OWNED_BY_ANOTHER
    assert lock.release(KEY, "lock-a").verdict is Release.RELEASED


def test_everything_goes_over_tls_too(node: Node, front: TlsFront, authority: Authority) -> None:
    """With the right authority's file in the URL."""
    _use(_lock(front.url(authority)))
    assert node.client.exists(KEY) == 0


def test_without_options_the_machines_authorities_are_trusted(
    node: Node, front: TlsFront, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a URL needs no redis-py, and checks the certificate and its name all the same."""
    url = f"rediss://127.0.0.1:{front.port}"
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    _use(_lock(url))
    other_name = _lock(f"rediss://localhost:{front.port}").acquire(KEY, "lock-a")
    monkeypatch.setenv("SSL_CERT_FILE", str(Authority(tmp_path, "another").file))
    other_authority = _lock(url).acquire(KEY, "lock-a")
    assert {other_name, other_authority} == {(Acquisition.UNKNOWN, None, Trouble.REFUSED)}
    assert node.client.exists(KEY) == 0


def test_the_urls_path_is_the_database(node: Node) -> None:
    """Of a lock without redis-py too."""
    assert _lock(f"redis://127.0.0.1:{node.port}/3").acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED
    assert _lock(f"redis://127.0.0.1:{node.port}/2").acquire(KEY, "lock-b").verdict is Acquisition.ACQUIRED
    assert _lock(f"redis://127.0.0.1:{node.port}/99").acquire(KEY, "lock-b").trouble is Trouble.PROTOCOL


def test_a_long_reply_over_tls_comes_whole(node: Node, front: TlsFront, authority: Authority) -> None:
    """Longer than one read: what is decrypted already is not waited for."""
    node.client.set(KEY, "x" * 5000)
    answer, took_s = _timed_acquire(_lock(front.url(authority)), "lock-a")
    assert answer.verdict is Acquisition.HELD_BY_ANOTHER
    assert took_s < TIMEOUT_S


def test_redlock_goes_over_tls_too(tmp_path: Path, authority: Authority) -> None:
    """Three nodes, each behind TLS; the lead is frozen, and costs one time-out once."""
    nodes = start_nodes(tmp_path, 3)
    fronts = [TlsFront(node.port, authority.server_context()) for node in nodes]
    try:
        lock = _lock(",".join(front.url(authority) for front in fronts))
        _use(lock)
        nodes[0].freeze()
        answer, took_s = _timed_acquire(lock, "lock-a")
        assert answer.verdict is Acquisition.ACQUIRED
        assert TIMEOUT_S * 0.9 < took_s < TIMEOUT_S * 1.5
        assert lock.release(KEY, "lock-a").verdict is Release.RELEASED
        answer, took_s = _timed_acquire(lock, "lock-a")
        assert answer.verdict is Acquisition.ACQUIRED
        assert took_s < TIMEOUT_S * 0.5
    finally:
        for node, front in zip(nodes, fronts, strict=True):
            front.end()
            node.end()


def test_a_server_with_another_authoritys_certificate_is_not_spoken_to(
    node: Node, front: TlsFront, tmp_path: Path
) -> None:
    """Unknown, at once, and the server has seen no command."""
    answer, took_s = _timed_acquire(_lock(front.url(Authority(tmp_path, "another"))), "lock-a")
    assert (answer.verdict, answer.trouble) == (Acquisition.UNKNOWN, Trouble.REFUSED)
    assert took_s < TIMEOUT_S
    assert node.calls() == {}


def test_an_authority_file_that_is_missing_is_no_exception(node: Node, front: TlsFront, authority: Authority) -> None:
    """A mistake in the settings makes the lock's outcome unknown; the bookings go on."""
    authority.file.unlink()
    assert _lock(front.url(authority)).acquire(KEY, "lock-a").verdict is Acquisition.UNKNOWN
    assert node.calls() == {}


def test_a_plain_server_is_not_spoken_to_over_tls(node: Node, authority: Authority) -> None:
    """It doesn't answer the greeting as TLS would; nothing hangs."""
    url = f"rediss://127.0.0.1:{node.port}?ssl_ca_certs={authority.file}"
    answer, took_s = _timed_acquire(_lock(url), "lock-a")
    assert answer.verdict is Acquisition.UNKNOWN
    assert answer.trouble is not None
    assert took_s < 2.5 * TIMEOUT_S


def test_time_outs_hold_over_tls(node: Node, front: TlsFront, authority: Authority) -> None:
    """A frozen server costs the two time-outs of the first ask and the second; thawed, it is used again."""
    lock = _lock(front.url(authority))
    _use(lock)
    node.freeze()
    answer, took_s = _timed_acquire(lock, "lock-a")
    assert answer == (Acquisition.UNKNOWN, None, Trouble.TIMED_OUT)
    assert took_s < 2.5 * TIMEOUT_S
    node.thaw()
    assert _lock(front.url(authority)).acquire(KEY, "lock-a").verdict in {
        Acquisition.ACQUIRED,
        Acquisition.ALREADY_OURS,
    }
    assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ALREADY_OURS


def test_a_user_needs_four_commands_and_the_seats_keys(node: Node) -> None:
    """The least that an access list can grant a lock; nothing that the lock does is refused."""
    node.ask("ACL", "SETUSER", "seats", "on", ">secret", *MINIMAL_RULES)
    _use(_lock(f"redis://seats:secret@127.0.0.1:{node.port}"))
    assert node.ask("ACL", "LOG") == []


@pytest.mark.parametrize("missing", ["+set", "+get", "+pttl", "+delifeq"])
def test_with_less_the_lock_says_that_it_may_not(node: Node, missing: str) -> None:
    """Each of the four is needed: without one, something is unknown for want of a permission."""
    rules = [rule for rule in MINIMAL_RULES if rule != missing]
    node.ask("ACL", "SETUSER", "seats", "on", ">secret", *rules)
    lock = _lock(f"redis://seats:secret@127.0.0.1:{node.port}")
    troubles = {lock.acquire(KEY, "lock-a").trouble, lock.acquire(KEY, "lock-a").trouble}
    assert Trouble.NOT_AUTHENTICATED in {*troubles, lock.release(KEY, "lock-b").trouble}


def test_other_keys_are_out_of_a_users_reach(node: Node) -> None:
    """The server enforces it; the lock says why it knows nothing."""
    node.ask("ACL", "SETUSER", "seats", "on", ">secret", *MINIMAL_RULES)
    lock = _lock(f"redis://seats:secret@127.0.0.1:{node.port}")
    assert lock.acquire("berth:KBP-BCN-0615:12A:lock", "lock-a") == NOT_LET_IN


def test_a_wrong_password_is_said(node: Node) -> None:
    """Unknown, and the reason is not the network."""
    node.ask("ACL", "SETUSER", "seats", "on", ">secret", *MINIMAL_RULES)
    assert _lock(f"redis://seats:wrong@127.0.0.1:{node.port}").acquire(KEY, "lock-a") == NOT_LET_IN


def test_a_missing_password_is_said(tmp_path: Path) -> None:
    """NOAUTH, for each call alike."""
    node = start_node(tmp_path)
    node.ask("CONFIG", "SET", "requirepass", "secret")
    try:
        lock = _lock(node.url)
        assert [lock.acquire(KEY, "lock-a"), lock.acquire(KEY, "lock-a")] == [NOT_LET_IN, NOT_LET_IN]
        assert _lock(f"redis://:secret@127.0.0.1:{node.port}").acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED
    finally:
        node.end()


def test_a_user_who_is_disabled_later_is_said(node: Node) -> None:
    """His connection is cut and the next is refused; let in again, the same lock works."""
    node.ask("ACL", "SETUSER", "seats", "on", ">secret", *MINIMAL_RULES)
    lock = _lock(f"redis://seats:secret@127.0.0.1:{node.port}")
    _use(lock)
    node.ask("ACL", "SETUSER", "seats", "off")
    node.cut_clients()
    assert lock.acquire(KEY, "lock-a") == NOT_LET_IN
    node.ask("ACL", "SETUSER", "seats", "on")
    assert lock.acquire(KEY, "lock-a").verdict is Acquisition.ACQUIRED


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and a region as a Lambda function has them; signing needs no network."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("serverless", [False, True])
def test_a_token_is_a_presigned_request_to_connect(*, serverless: bool) -> None:
    """As ElastiCache documents it: no scheme, user and cache in it, signed for 15 minutes."""
    user, token = sign_token("seats", "seat-locks", serverless=serverless, session=new_session())
    url = urlsplit(f"http://{token}")
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert user == "seats"
    assert (url.netloc, url.path) == ("seat-locks", "/")
    assert (query["Action"], query["User"], query["X-Amz-Expires"]) == ("connect", "seats", "900")
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Credential"].split("/")[2:] == ["eu-central-1", "elasticache", "aws4_request"]
    assert query["X-Amz-Security-Token"] == "session"
    assert query["X-Amz-SignedHeaders"] == "host"
    assert len(query["X-Amz-Signature"]) == 64
    assert query.get("ResourceType") == ("ServerlessCache" if serverless else None)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("through_redis_py", [False, True])
def test_each_connection_signs_in_with_a_token_of_its_own(
    node: Node, front: TlsFront, authority: Authority, monkeypatch: pytest.MonkeyPatch, *, through_redis_py: bool
) -> None:
    """The server knows the token as the user's password; it takes another one from then on, and so does the lock."""
    made: list[str] = []

    def sign(user: str, cache: str, *, serverless: bool, session: Session) -> tuple[str, str]:
        _, token = sign_token(user, cache, serverless=serverless, session=session)
        made.append(f"{token}&number={len(made)}")  # two tokens of the same second are the same
        node.ask("ACL", "SETUSER", "seats", "on", "resetpass", f">{made[-1]}", *MINIMAL_RULES)
        return user, made[-1]

    monkeypatch.setattr("chalicelib.locking.iam.sign_token", sign)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with_options = f"{front.url(authority, 'seats@')}&"
    lock = _lock(f"{with_options if through_redis_py else f'rediss://seats@127.0.0.1:{front.port}?'}iam=seat-locks")
    _use(lock)
    _use(lock)
    assert len(made) == 1
    assert made[0].startswith("seat-locks/?Action=connect&User=seats&")
    node.cut_clients()
    _use(lock)
    assert len(made) == 2


def test_without_aws_credentials_nothing_is_known(node: Node, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No token can be signed: unknown for want of a permission, and no exception."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert _lock(f"redis://seats@127.0.0.1:{node.port}?iam=seat-locks").acquire(KEY, "lock-a") == NOT_LET_IN
