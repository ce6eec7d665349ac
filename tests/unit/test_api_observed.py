"""What an operator sees of requests: whose booking, which refusal, and what nobody foresaw."""

import io
import json
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib import bootstrap
from chalicelib.api import problems
from chalicelib.api.models import ApiConfig
from chalicelib.api.services import Services
from chalicelib.shared import log
from chalicelib.shared.errors import LelekaError, Refusal, Transient
from chalicelib.shared.executions import execution_arn

ID = "bk-abcdefghijklmnopqrstuvwxyz"
SECRET = "mkbs7y4avag57ktmk4gsdpvilr"  # noqa: S105 - nobody's
MACHINE = "arn:aws:states:eu-central-1:000000000000:stateMachine:leleka-test-booking-saga"


class Lambda:
    """Functions that answer as the test says, and what they were sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"booking_id": ID}
        self.trouble: Exception | None = None

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: ARG002, N803 - boto3's names
        """As the real one."""
        self.sent.append(json.loads(Payload))
        if self.trouble:
            raise self.trouble
        failed = {"FunctionError": "Unhandled"} if "errorType" in self.answer else {}
        return {**failed, "Payload": io.BytesIO(json.dumps(self.answer).encode())}


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Lambda:
    """The functions behind the API, of which the real services ask."""
    from chalicelib.shared.remote import RemoteFunctions  # noqa: PLC0415 - beside its use

    made: Any = Lambda()
    nobody: Any = None
    config = ApiConfig(**{**dict.fromkeys(ApiConfig.__struct_fields__, "x"), "saga_arn": MACHINE})
    services = Services(RemoteFunctions(made), nobody, config, nobody)
    monkeypatch.setattr(bootstrap, "services", lambda: services)
    return made  # type: ignore[no-any-return]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the logger writes."""
    written = io.StringIO()
    monkeypatch.setattr(log._logger.registered_handler, "stream", written)
    return written


def _last(lines: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return line


def _counted(capsys: pytest.CaptureFixture[str]) -> set[str]:
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    return {metric["Name"] for line in lines for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


def ask(method: str, path: str, **options: Any) -> int:
    """The status of the whole application's answer."""
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"} | options.pop("headers", {})
    with Client(app) as client:
        return int(getattr(client.http, method)(path, headers=headers, **options).status_code)


def test_a_request_is_told_as_its_bookings_and_so_is_what_it_calls(functions: Lambda, lines: io.StringIO) -> None:
    """By the booking's id in the path; the saga of that booking has the same name."""
    functions.answer = {"errorType": "BookingNotFound", "errorMessage": "no"}
    assert ask("get", f"/bookings/{ID}") == 404
    assert functions.sent[0]["execution_id"] == execution_arn(MACHINE, ID)
    line = _last(lines)
    assert (line["function"], line["booking_id"]) == ("APIHandler", ID)
    assert line["execution_id"] == execution_arn(MACHINE, ID)


def test_of_a_path_that_is_no_booking_nothing_is_kept(functions: Lambda, lines: io.StringIO) -> None:
    """It may be anything that somebody typed."""
    assert ask("get", "/bookings/olena@example.com") == 422
    assert "olena" not in lines.getvalue()
    assert functions.sent == []


@pytest.mark.parametrize(
    ("path", "body", "headers", "error"),
    [
        ("/bookings", b"{", {"Idempotency-Key": "k" * 36}, "MalformedJson"),
        ("/bookings", b"{}", {}, "MissingIdempotencyKey"),
        ("/bookings", b'"' + b"x" * 20_000 + b'"', {"Idempotency-Key": "k" * 36}, "BodyTooLarge"),
        (f"/bookings/{ID}/payment", b"{}", {"Authorization": "none"}, "MissingSecret"),
    ],
)
@pytest.mark.usefixtures("functions")
def test_what_a_customer_sends_wrong_is_a_refusal_and_wakes_nobody(
    lines: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    path: str,
    body: bytes,
    headers: dict[str, str],
    error: str,
) -> None:
    """The API answers it, so Lambda counts no error and none is expected there."""
    assert ask("post", path, body=body, headers=headers) < 500
    assert (_last(lines)["error"], _last(lines)["level"]) == (error, "WARNING")
    assert _counted(capsys) == {"Refusals"}


def test_an_error_that_nobody_foresaw_is_a_fault(
    functions: Lambda, lines: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """The customer reads 500, the operator the trace."""
    functions.trouble = KeyError("nobody foresaw this")
    assert ask("get", f"/bookings/{ID}") == 500
    assert (_last(lines)["error"], _last(lines)["level"]) == ("KeyError", "ERROR")
    assert _counted(capsys) == {"Faults"}


@pytest.mark.parametrize("kind", problems.STATUS, ids=lambda kind: kind.__name__)
def test_every_error_that_the_api_answers_is_an_answer(kind: type[LelekaError]) -> None:
    """Neither a refusal nor transient would be a fault, and wake somebody for a customer's slip."""
    assert issubclass(kind, Refusal | Transient)
