"""The tools of `make lint` themselves, on something broken: each says so. And an audit by a service made for it."""

import json
import random
import shutil
import string
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, override

import pytest

from leleka.checks import __main__ as checks
from leleka.checks.dependencies import LOCK_FILES, OSV_URL, check_dependencies
from leleka.checks.findings import Answer
from leleka.checks.source import check_code, check_openapi, check_secrets
from leleka.checks.state_machines import FOLDER, check_state_machines, filled
from leleka.checks.template import cfn_lint, checkov
from leleka.paths import PROJECT
from leleka.stage import Stage

VULNERABLE = ("jinja2", "2.4.1")
ADVISORY = {
    "id": "PYSEC-2019-217",
    "aliases": ["CVE-2019-10906"],
    "affected": [
        {
            "package": {"name": "jinja2", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.10.1"}]}],
        }
    ],
}


@pytest.fixture(autouse=True, scope="module")
def _tools() -> None:
    """They are installed by `make lint`; whoever runs these tests alone gets them here."""
    make = shutil.which("make")
    assert make
    subprocess.run([make, "--silent", ".checks/.ready"], cwd=PROJECT, check=True, timeout=600)  # noqa: S603 - our own


def rules(answer: Answer) -> set[tuple[str, str]]:
    """What was found, and where."""
    return {(found.rule, found.where) for found in answer.findings}


@pytest.mark.parametrize("name", ["booking_saga", "cancellation_saga"])
def test_a_state_that_leads_nowhere_is_found(tmp_path: Path, name: str) -> None:
    """By name; the file beside it is in order."""
    for file in FOLDER.glob("*.asl.json"):
        shutil.copy(file, tmp_path)
    broken = tmp_path / f"{name}.asl.json"
    definition = json.loads(broken.read_text())
    definition["States"][definition["StartAt"]]["Next"] = "Nowhere"
    broken.write_text(json.dumps(definition))
    [answer] = check_state_machines(tmp_path)
    assert rules(answer) == {("invalid", broken.name)}
    assert "Nowhere" in answer.findings[0].text


@pytest.mark.stack
@pytest.mark.parametrize("name", ["booking_saga", "cancellation_saga"])
def test_step_functions_itself_takes_the_definition_and_no_broken_one(stage: Stage, name: str) -> None:
    """ValidateStateMachineDefinition, as the stage's AWS has it."""
    definition = filled(FOLDER / f"{name}.asl.json")
    validate = stage.orchestrator.validate_state_machine_definition
    assert validate(definition=definition)["result"] == "OK"
    broken = json.loads(definition)
    del broken["States"][broken["StartAt"]]["Resource"]
    assert validate(definition=json.dumps(broken))["result"] == "FAIL"


def test_a_template_is_read_by_both_tools(tmp_path: Path) -> None:
    """cfn-lint knows the properties of a queue, checkov what one should have."""
    template = tmp_path / "template.yaml"
    template.write_text(
        "Resources:\n  Commands:\n    Type: AWS::SQS::Queue\n    Properties: {VisibilityTimeOut: 30}\n"
        "  Replies:\n    Type: AWS::SQS::Queue\n    Properties: {KmsMasterKeyId: alias/aws/sqs}\n"
    )
    assert ("E3002", "Resources.Commands.Properties.VisibilityTimeOut") in rules(cfn_lint(template))
    assert rules(checkov(template)) == {("CKV_AWS_27", "AWS::SQS::Queue.Commands")}


def test_code_that_runs_what_it_is_given_is_found(tmp_path: Path) -> None:
    """Also where a comment asks bandit to look away."""
    (tmp_path / "flaw.py").write_text("def run(text):\n    return eval(text)  # nosec\n")
    [answer] = check_code(str(tmp_path))
    assert rules(answer) == {("B307", str(tmp_path / "flaw.py"))}


def test_a_key_in_a_file_is_found(tmp_path: Path) -> None:
    """One that is nobody's, made here so that none stands in this repository."""
    secret = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=40))
    (tmp_path / "settings.ini").write_text(f'aws_secret_access_key = "{secret}"\n')
    (tmp_path / "harmless.ini").write_text('region = "eu-central-1"\n')
    [answer] = check_secrets(tmp_path)
    assert {found.where.rpartition("/")[2] for found in answer.findings} == {"settings.ini"}


def test_a_document_that_is_no_openapi_is_found(tmp_path: Path) -> None:
    """An answer without a description, for one."""
    document = tmp_path / "openapi.yaml"
    document.write_text(
        "openapi: 3.1.0\ninfo: {title: x, version: '1'}\npaths: {/x: {get: {responses: {'200': {content: {}}}}}}\n"
    )
    [answer] = check_openapi(document)
    assert rules(answer) == {("invalid", "openapi.yaml")}


class Advisories(BaseHTTPRequestHandler):
    """OSV's interface, with one advisory."""

    def do_POST(self) -> None:
        """Which advisories a version has."""
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = (query["package"]["name"], query["version"]) == VULNERABLE
        body = json.dumps({"vulns": [ADVISORY]} if known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    """The advisory service that the audit asks."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv(OSV_URL, f"http://127.0.0.1:{server.server_port}/v1/query")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    """Lock files that pin one harmless package each."""
    for name in LOCK_FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("msgspec==0.22.0\n")
    return tmp_path


@pytest.mark.usefixtures("service")
def test_a_vulnerable_pin_is_found_in_any_lock_file(locks: Path) -> None:
    """Its advisory, where it is fixed, and the file that pins it; beside another version of the same package."""
    (locks / "localstack/requirements.lock").write_text("msgspec==0.21.0\njinja2==2.4.1 \\\n    --hash=sha256:00\n")
    [answer] = check_dependencies(locks)
    assert answer.unasked is None
    assert rules(answer) == {("PYSEC-2019-217", "jinja2==2.4.1")}
    assert answer.findings[0].text == (
        "PYSEC-2019-217, CVE-2019-10906; fixed in 2.10.1; pinned in localstack/requirements.lock"
    )


@pytest.mark.usefixtures("service")
def test_this_projects_pins_pass_where_a_service_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are asked for; this service knows nothing against them."""
    monkeypatch.setenv(checks.REQUIRED, "required")
    assert checks.main(["dependencies"]) == 0


def test_a_service_that_is_gone_has_audited_nothing(
    service: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Said plainly, and an error only where an audit is required."""
    service.shutdown()
    service.server_close()
    monkeypatch.delenv(checks.REQUIRED, raising=False)
    assert checks.main(["dependencies"]) == 0
    assert "NOT AUDITED by pip-audit, neither passed nor failed: no advisory service answered" in capfd.readouterr().out
    monkeypatch.setenv(checks.REQUIRED, "required")
    assert checks.main(["dependencies"]) == 1
