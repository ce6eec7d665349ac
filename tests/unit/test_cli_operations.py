"""Mails and dead letters: what is shown, and that a look takes nothing away."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from leleka import dead_letters, mails, stages_here
from leleka.mails import MailsError
from leleka.stage import Aws, Stage
from tests.unit.cli_world import run
from tests.unit.saga_history import History, StepFunctions

OUTPUTS = {"PaymentDeadLetters": "dead", "PaymentCommandsQueue": "payments"}


@dataclass
class Queues:
    """SQS with one queue of dead letters; every call is noted in order."""

    bodies: list[str]
    calls: list[tuple[str, Any]] = field(default_factory=list)
    broken_at: str | None = None
    endless: bool = False
    hidden: set[int] = field(default_factory=set)

    def receive_message(self, **request: Any) -> dict[str, Any]:
        """What is neither hidden nor deleted, oldest first."""
        assert request["QueueUrl"] == "dead"
        assert 0 < request["VisibilityTimeout"] <= 300
        assert 1 <= request["MaxNumberOfMessages"] <= 10
        if self.endless:
            self.bodies.append(command())
        seen = [n for n in range(len(self.bodies)) if n not in self.hidden][: request["MaxNumberOfMessages"]]
        self.hidden |= set(seen)
        attributes = {"ApproximateReceiveCount": "4", "SentTimestamp": "1000000"}
        found = [
            {"MessageId": f"m{n}", "ReceiptHandle": f"{n}", "Body": self.bodies[n], "Attributes": attributes}
            for n in seen
        ]
        return {"Messages": found} if found else {}

    def change_message_visibility(self, **request: Any) -> None:
        """A message is given back."""
        self._note("give back", request["ReceiptHandle"])
        self.hidden.discard(int(request["ReceiptHandle"]))

    def send_message(self, **request: Any) -> None:
        """A message is sent on."""
        self._note(f"send to {request['QueueUrl']}", request["MessageBody"])

    def delete_message(self, **request: Any) -> None:
        """A message is deleted."""
        self._note(f"delete: {request['QueueUrl']}", request["ReceiptHandle"])

    def _note(self, what: str, value: str) -> None:
        if what == self.broken_at:
            raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "later"}}, "SendMessage")
        self.calls.append((what, value))


class OneSaga(StepFunctions):
    """Knows the saga of bk-1 only."""

    def get_execution_history(self, **request: Any) -> dict[str, Any]:
        """As Step Functions tells it."""
        if not request["executionArn"].endswith(":bk-1"):
            raise self.exceptions.ExecutionDoesNotExist
        return super().get_execution_history(**request)


class FakeAws(Aws):
    """SQS, and a saga whose refund failed."""

    queues: Queues = Queues([])

    def client(self, service: str) -> Any:
        """The two that are asked for."""
        history = History().refuse("RefundPayment", "StoreBusy")
        return self.queues if service == "sqs" else OneSaga(history.events, step=100)


def command(booking_id: str = "bk-1") -> str:
    return json.dumps({"command": "RefundPayment", "booking_id": booking_id, "task_token": "a-capability"})


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Queues:
    """A stage with two dead letters: a command, and something else."""
    made = Queues([command(), "not json"])
    monkeypatch.setattr(FakeAws, "queues", made)
    stage = Stage("local", "", "arn:stateMachine:saga", "", {}, OUTPUTS, FakeAws("local", "http://127.0.0.1:4566"))
    monkeypatch.setattr(stages_here, "load", lambda _name: stage)
    monkeypatch.setattr("leleka.dead_letters.time.time", lambda: 4661.0)
    return made


def test_dead_letters_are_shown_and_stay_where_they_are(queues: Queues) -> None:
    """Each is given back; a task token is a capability and is not shown."""
    result = run("dlq", "--json")
    letters = json.loads(result.stdout)["letters"]
    assert {"booking_id": "bk-1", "command": "RefundPayment", "received": 4, "error": "StoreBusy"}.items() <= letters[
        0
    ].items()
    assert (letters[1]["booking_id"], letters[1]["message_id"]) == (None, "m1")
    assert queues.calls == [("give back", "0"), ("give back", "1")]
    assert "a-capability" not in result.output


def test_dead_letters_are_readable(queues: Queues) -> None:
    """Booking, command, how often, since when, why."""
    text = run("dlq").stdout.splitlines()
    assert text[1].split() == ["bk-1", "RefundPayment", "4", "1:01:01", "StoreBusy"]
    assert text[2].startswith("unreadable message m1")
    queues.bodies.clear()
    queues.hidden.clear()
    empty = run("dlq")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "no payment command was set aside" in empty.stderr


def test_a_redrive_sends_first_and_deletes_after(queues: Queues) -> None:
    """Unchanged; whenever it is interrupted, nothing is lost."""
    document = json.loads(run("dlq", "--redrive", "--json").stdout)
    assert [letter["message_id"] for letter in document["redriven"]] == ["m0", "m1"]
    assert queues.calls == [
        ("send to payments", command()),
        ("delete: dead", "0"),
        ("send to payments", "not json"),
        ("delete: dead", "1"),
    ]


@pytest.mark.parametrize("broken_at", ["send to payments", "delete: dead"])
def test_a_redrive_that_breaks_says_what_was_sent_and_exits_with_1(broken_at: str, queues: Queues) -> None:
    """What could not be sent is not deleted."""
    queues.broken_at = broken_at
    result = run("dlq", "--redrive", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, {"redriven": []})
    assert "what is left stays a dead letter" in result.stderr
    assert not [what for what, _ in queues.calls if what.startswith("delete")]


@pytest.mark.parametrize("options", [(), ("--redrive",)])
def test_a_queue_that_never_ends_is_read_to_a_limit(
    options: tuple[str, ...], queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that fail again come back as fast as they are sent."""
    monkeypatch.setattr(dead_letters, "LETTERS_MAX", 25)
    queues.endless = True
    document = json.loads(run("dlq", *options, "--json").stdout)
    assert len(document["redriven" if options else "letters"]) == 25


def message(to: str, at: str, subject: str = "Confirmed") -> dict[str, Any]:
    return {
        "Destination": {"ToAddresses": [to]},
        "Subject": subject,
        "Body": {"text_part": "Вітаємо!\n", "html_part": None},
        "Timestamp": at,
    }


def server(answer: httpx.Response) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: answer)


LOCAL = Stage("local", "", "", "", {}, {}, Aws("local", "http://127.0.0.1:4566"))


def test_mails_come_newest_last_and_bounded() -> None:
    """All, or those to one address, however its letters are written."""
    all_mails = [message("b@x.y", "2026-11-23T12:00:02"), message("a@x.y", "2026-11-23T12:00:01", "Held")]
    found = mails.sent(LOCAL, None, 20, server(httpx.Response(200, json={"messages": all_mails})))
    assert [(mail.to, mail.subject, mail.sent_at) for mail in found] == [
        ("a@x.y", "Held", "2026-11-23T12:00:01Z"),
        ("b@x.y", "Confirmed", "2026-11-23T12:00:02Z"),
    ]
    answer = httpx.Response(200, json={"messages": all_mails})
    assert [mail.to for mail in mails.sent(LOCAL, "A@x.y", 20, server(answer))] == ["a@x.y"]
    assert [mail.to for mail in mails.sent(LOCAL, None, 1, server(answer))] == ["b@x.y"]


@pytest.mark.parametrize("answer", [httpx.Response(404), httpx.Response(200, text="{}"), httpx.Response(200, text="<")])
def test_a_mail_server_that_answers_otherwise_is_an_error(answer: httpx.Response) -> None:
    """No traceback, and not an empty mailbox."""
    with pytest.raises(MailsError):
        mails.sent(LOCAL, None, 20, server(answer))


def test_a_stage_on_aws_keeps_no_mail() -> None:
    """Said, rather than shown as none."""
    with pytest.raises(MailsError, match="on AWS"):
        mails.sent(Stage("prod", "", "", "", {}, {}, Aws("prod")), None, 20)


def test_mails_are_printed_with_subject_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a person reads them; one document as JSON."""
    mail = mails.Mail("a@x.y", "Held [12A]", "Dear Olena,\n", "2026-11-23T12:00:01Z")
    monkeypatch.setattr(stages_here, "load", lambda _name: LOCAL)
    monkeypatch.setattr(mails, "sent", lambda *_: [mail])
    assert run("mails").stdout == "2026-11-23T12:00:01Z to a@x.y\nHeld [12A]\n\nDear Olena,\n\n"
    assert json.loads(run("mails", "--json").stdout)["mails"][0]["subject"] == "Held [12A]"
    monkeypatch.setattr(mails, "sent", lambda *_: [])
    assert run("mails", "--to", "b@x.y").stderr == "no mail to b@x.y yet\n"
