"""Commands of an operator: the local stack, deployment and seed data."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.table import Table

from leleka import chalice_deploys, stages_here
from leleka import deploy as deployment
from leleka import seed as seeding
from leleka import stage as stages
from leleka.cli_deploy import Yes, approval
from leleka.cli_options import AsJson, StageName
from leleka.stack import RunningStack, StackConfig, find, start, stop
from leleka.stack.servers import localstack_answers, valkey_answers
from leleka.stage import LOCAL, Stage, StageError
from leleka.terminal import EXIT_FAILED, CommandError, one_line_errors, print_json, say, stdout

_PROBES: dict[str, Callable[[RunningStack], tuple[int, bool]]] = {
    "localstack": lambda stack: (stack.gateway_port, localstack_answers(stack.gateway_port)),
    "valkey": lambda stack: (stack.valkey_port, valkey_answers(stack.valkey_port)),
}


@one_line_errors
def up() -> None:
    """Start LocalStack and Valkey; they run until `leleka down`. With LELEKA_STACK=docker they run in Docker."""
    stack = start(StackConfig.from_environment())
    stdout().print(f"LocalStack {stack.gateway_url}\nValkey {stack.valkey_url}", soft_wrap=True)
    if deployed := _deployed_stage():  # it was up already
        _print_page(deployed)
    else:
        say("next: leleka deploy, then leleka seed")


@one_line_errors
def down() -> None:
    """Stop what `leleka up` started; whatever was in it is gone."""
    config = StackConfig.from_environment()
    stack = find(config)
    deployed = _deployed_stage() if stack and localstack_answers(stack.gateway_port) else None
    say("the local stack has ended" if stop(config) else "no local stack was running")
    if deployed:
        chalice_deploys.forget(deployed, chalice_deploys.FUNCTIONS)


@one_line_errors
def status(as_json: AsJson = False) -> None:
    """Show the local stack: servers, health, what is deployed, logs. Exit code 1 if it is not up."""
    config = StackConfig.from_environment()
    stack = find(config)
    document = _status_document(stack)
    if as_json:
        print_json(document)
    elif stack is None:
        say(f"no local stack runs in {config.state_dir}; run: leleka up")
    else:
        _print_status(document)
    if not all(server["healthy"] for server in document["servers"]) or stack is None:
        raise typer.Exit(EXIT_FAILED)


@one_line_errors
def deploy(
    stage: StageName = LOCAL,
    lock_url: Annotated[
        str | None,
        typer.Option(
            envvar="LELEKA_LOCK_URL", help="The seat lock's server, if not the stage's own; none: for no lock."
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter of the template, Name=Value; those not set stay as they are."),
    ] = None,
    yes: Yes = False,
    replace_tables: Annotated[
        bool, typer.Option("--replace-tables", help="Allow a change that takes a table and its rows from the stage.")
    ] = False,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Release without a canary, whatever the alarms say: for a fix.")
    ] = False,
) -> None:
    """Package the functions and create or update the stage. On AWS the changes are shown first, and asked about."""
    settings = dict(_setting(text) for text in sets or [])
    aws = stages_here.aws_of(stage)
    approve = None if aws.on_localstack else approval(stage, yes=yes, replace_tables=replace_tables)
    url = _local_lock_url() if stage == LOCAL and not lock_url else lock_url
    deployed = deployment.deploy(aws, url, approve, at_once, packaged=None, **settings)
    if stage == LOCAL:
        chalice_deploys.record(deployed, chalice_deploys.FUNCTIONS)
    stdout().print(f"API {deployed.api_url}\nsaga {deployed.saga_arn}", soft_wrap=True)
    _print_page(deployed)


@one_line_errors
def seed(stage: StageName = LOCAL) -> None:
    """Write flights, seats, fares and baggage quota. Again is safe: no hold and no sale is undone."""
    seeded = stages_here.load(stage)
    report = seeding.seed(seeded)
    stdout().print(
        f"{report.flights} flights, {report.seats} seats, {report.seats_added} of them new, {report.seconds:.1f} s"
    )
    _print_page(seeded)  # from here on it has something to show


@one_line_errors
def env() -> None:
    """Print shell lines that point AWS tools at the local stage: eval "$(leleka env)"; then chalice deploy works."""
    typer.echo(chalice_deploys.shell_lines(str(stages_here.aws_of(LOCAL).gateway_url)))


def _print_page(stage: Stage) -> None:
    stdout().print(f"page {stage.page_url}", soft_wrap=True)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise CommandError(f"--set takes Name=Value, not {text!r}")
    return name, value


def _local_lock_url() -> str:
    stack = find(StackConfig.from_environment())
    if stack is None:
        raise StageError("no local stack runs here; run: leleka up")
    return stack.lock_url


def _status_document(stack: RunningStack | None) -> dict[str, Any]:
    if stack is None:
        return {"running": False, "servers": [], "deployed": False}
    servers = []
    for name, probe in _PROBES.items():
        port, healthy = probe(stack)
        pid = stack.processes[name].pid if stack.processes else None  # in Docker it would mean nothing here
        servers.append({"name": name, "pid": pid, "port": port, "healthy": healthy, "log": stack.log_of(name)})
    deployed = _deployed_stage()
    document: dict[str, Any] = {"running": True, "servers": servers, "deployed": deployed is not None}
    document["gateway_url"], document["lock_url"] = stack.gateway_url, stack.valkey_url
    if deployed:
        document |= {"stage": deployed.name, "api_url": deployed.api_url, "page_url": deployed.page_url}
        document["saga_arn"] = deployed.saga_arn
    return document


def _deployed_stage() -> Stage | None:
    try:
        return stages.load(stages_here.aws_of(LOCAL))
    except StageError:
        return None


def _print_status(document: dict[str, Any]) -> None:
    table = Table("server", "port", "pid", "health", box=None, pad_edge=False)
    for server in document["servers"]:
        health, style = ("up", "green") if server["healthy"] else ("does not answer", "bold red")
        table.add_row(server["name"], str(server["port"]), str(server["pid"] or "-"), health, style=style)
    console = stdout()
    console.print(table)
    for server in document["servers"]:
        console.print(f"log of {server['name']}: {server['log']}", soft_wrap=True)
    if not document["deployed"]:
        say("no stage is deployed; run: leleka deploy")
        return
    lines = {"stage": "stage", "API": "api_url", "saga": "saga_arn", "page": "page_url"}
    console.print("\n".join(f"{name} {document[key]}" for name, key in lines.items()), soft_wrap=True)
