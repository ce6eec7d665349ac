"""Commands of an operator: the local stack, deployment and seed data."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.table import Table

from leleka import deploy as deployment
from leleka import seed as seeding
from leleka import stage as stages
from leleka import stages_here
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
    """Start LocalStack and Valkey; they run until `leleka down`."""
    stack = start(StackConfig.from_environment())
    stdout().print(f"LocalStack {stack.gateway_url}\nValkey {stack.valkey_url}", soft_wrap=True)
    if deployed := _deployed_stage():  # it was up already
        _print_page(deployed)
    else:
        say("next: leleka deploy, then leleka seed")


@one_line_errors
def down() -> None:
    """Stop what `leleka up` started; whatever was in it is gone."""
    say("the local stack has ended" if stop(StackConfig.from_environment()) else "no local stack was running")


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
        str | None, typer.Option(envvar="LELEKA_LOCK_URL", help="The seat lock's server, for a stage on AWS.")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter of the template, Name=Value; those not set stay as they are."),
    ] = None,
) -> None:
    """Package the functions and create or update the stage."""
    settings = dict(_setting(text) for text in sets or [])
    aws = stages_here.aws_of(stage)
    deployed = deployment.deploy(aws, lock_url or _local_lock_url(stage), packaged=None, **settings)
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


def _print_page(stage: Stage) -> None:
    stdout().print(f"page {stage.page_url}", soft_wrap=True)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise CommandError(f"--set takes Name=Value, not {text!r}")
    return name, value


def _local_lock_url(stage: str) -> str:
    stack = find(StackConfig.from_environment()) if stage == LOCAL else None
    if stack is None:
        raise CommandError(f"stage {stage} needs the URL of its lock server: --lock-url redis://... or LELEKA_LOCK_URL")
    return stack.valkey_url


def _status_document(stack: RunningStack | None) -> dict[str, Any]:
    if stack is None:
        return {"running": False, "servers": [], "deployed": False}
    servers = []
    for name, probe in _PROBES.items():
        port, healthy = probe(stack)
        log = str(stack.log_dir / f"{name}.log")
        servers.append({"name": name, "pid": stack.processes[name].pid, "port": port, "healthy": healthy, "log": log})
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
        table.add_row(server["name"], str(server["port"]), str(server["pid"]), health, style=style)
    console = stdout()
    console.print(table)
    for server in document["servers"]:
        console.print(f"log of {server['name']}: {server['log']}", soft_wrap=True)
    if not document["deployed"]:
        say("no stage is deployed; run: leleka deploy")
        return
    lines = {"stage": "stage", "API": "api_url", "saga": "saga_arn", "page": "page_url"}
    console.print("\n".join(f"{name} {document[key]}" for name, key in lines.items()), soft_wrap=True)
