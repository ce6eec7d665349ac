"""From a URL to a lock: what is understood, and what is refused before anything is opened."""

from urllib.parse import parse_qs, urlsplit

import pytest
from redis.connection import parse_url

from chalicelib.locking import Acquisition, Extension, Inspection, LockUrlError, Release, open_lock, seat_key
from chalicelib.locking.iam import new_session, sign_token
from chalicelib.locking.plain import plain_address
from chalicelib.locking.redlock import Redlock
from chalicelib.locking.server_lock import ServerLock

A, B, C = "redis://a:1", "redis://b:2", "redis://c:3"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://cache:6379", ServerLock),
        ("redis://cache", ServerLock),
        ("rediss://user:secret@cache:6379/0?ssl_cert_reqs=required", ServerLock),
        ("rediss://user@cache:6379?iam=leleka&iam_serverless=true", ServerLock),
        ("redis+sentinel://one:26379,two:26379/seats", ServerLock),
        ("rediss+sentinel://user:secret@one:26379/seats?sentinel_password=other", ServerLock),
        ("redis+cluster://one:6379,two:6379", ServerLock),
        ("rediss+cluster://user:secret@one:6379", ServerLock),
        (f"{A},{B},{C}", Redlock),
        ("redis://u:p@a:1,rediss://b:2,redis://c:3", Redlock),
    ],
)
def test_each_form_of_url_opens_its_lock_without_connecting(url: str, kind: type) -> None:
    """None of these hosts exists."""
    lock = open_lock(url, 900_000)
    assert isinstance(lock, kind)
    assert lock.ttl_ms == 900_000
    lock.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "scheme"),
        ("cache:6379", "scheme"),
        ("http://cache", "scheme"),
        ("redis://cache:notaport", "port"),
        ("redis://cache?soket_timeout=3", "soket_timeout"),
        ("redis+sentinel://one:26379", "service"),
        ("redis+sentinel://one/seats", "host:port"),
        ("redis+cluster://one", "host:port"),
        (f"{A},{B}", "odd number"),
        (f"{A},{B},{C},redis://d:4", "odd number"),
        (f"{A},{B},{A}", "twice"),
        ("rediss://cache?iam=leleka", "user"),
        ("rediss://user:secret@cache?iam=leleka", "password"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_the_reason(url: str, reason: str) -> None:
    """At once, and not at the first booking."""
    with pytest.raises(LockUrlError, match=reason):
        open_lock(url, 900_000)


def test_a_refusal_does_not_tell_the_password() -> None:
    """It goes to logs."""
    with pytest.raises(LockUrlError) as refused:
        open_lock("redis://user:secret@cache?nonsense=1,redis://user:secret@b:1", 900_000)
    assert "secret" not in str(refused.value)


def test_without_a_server_nothing_is_known_and_nothing_is_wrong() -> None:
    """The database decides alone, on purpose."""
    lock = open_lock("none:", 900_000)
    key = seat_key("KBP-BCN-0615", "12A")
    assert lock.acquire(key, "a") == (Acquisition.UNKNOWN, None, None)
    assert lock.extend(key, "a") == (Extension.UNKNOWN, None, None)
    assert lock.release(key, "a") == (Release.UNKNOWN, None, None)
    assert lock.inspect(key) == Inspection(None, None)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://cache", ("cache", 6379, False, 0, None)),
        ("redis:///4", ("localhost", 6379, False, 4, None)),
        ("rediss://[::1]:7000", ("::1", 7000, True, 0, None)),
        ("redis://:p%40ss@cache:1/0", ("cache", 1, False, 0, ("p@ss",))),
        ("redis://us%2Fer@cache", ("cache", 6379, False, 0, ("us/er", ""))),
        ("redis://user:secret@cache", ("cache", 6379, False, 0, ("user", "secret"))),
    ],
)
def test_a_plain_url_needs_no_redis_py(url: str, told: tuple[object, ...]) -> None:
    """Where the node is, whether it speaks TLS, which database, and what AUTH is told."""
    address = plain_address(url)
    assert address is not None
    assert (*address[:4], address.credentials and address.credentials()) == told
    assert parse_url(url).get("host", "localhost") == address.host


@pytest.mark.parametrize(
    "url", ["rediss://cache?ssl_ca_certs=a.pem", "redis://cache/seats", "unix:///socket", "redis://cache?protocol="]
)
def test_a_url_that_says_more_is_redis_pys(url: str) -> None:
    """Its options are many, and not ours."""
    assert plain_address(url) is None


@pytest.mark.parametrize("serverless", [True, False])
def test_an_iam_token_is_a_signed_request_to_connect(monkeypatch: pytest.MonkeyPatch, *, serverless: bool) -> None:
    """For this user, this cache and a quarter of an hour, signed for ElastiCache in the process's region."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_SESSION_TOKEN": "session",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    user, token = sign_token("leleka", "seats", serverless=serverless, session=new_session())
    parts = urlsplit(f"http://{token}")
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert user == "leleka"
    assert parts.netloc == "seats"
    assert (query["Action"], query["User"], query["X-Amz-Expires"]) == ("connect", "leleka", "900")
    assert query.get("ResourceType") == ("ServerlessCache" if serverless else None)
    assert "/eu-central-1/elasticache/aws4_request" in query["X-Amz-Credential"]
    assert query["X-Amz-Security-Token"] == "session"
    assert query["X-Amz-Signature"]
