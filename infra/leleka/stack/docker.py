"""The stack in Docker, as localstack/docker-compose.yml describes it. Docker Compose starts and ends it; the commands
find it by its ports."""

import os
import subprocess

from leleka.paths import PROJECT
from leleka.stack.config import StackError

COMPOSE_FILE = PROJECT / "localstack" / "docker-compose.yml"
_CONTAINER = "leleka-{server}"
FUNCTION_CONTAINERS = "^/?leleka-localstack-lambda-"
"""A filter of their names: LocalStack names a function's container after its own."""
_LOCK_URL = "redis://valkey:6379/0"
_ASK_S, _UP_S, _DOWN_S = 30.0, 1800.0, 180.0  # the first start fetches the images


def lock_url() -> str:
    """Valkey's URL in the network of the functions' containers; ``LELEKA_LOCK_URL`` if that is set."""
    return os.environ.get("LELEKA_LOCK_URL") or _LOCK_URL


def log_command(server: str) -> str:
    """What prints a server's log."""
    return f"docker logs {_CONTAINER.format(server=server)}"


def up(gateway_port: int, valkey_port: int) -> None:
    """Starts both servers and waits until they are healthy. What Docker says goes to stderr.

    Raises:
        StackError: there is no engine, or they did not come up; what is left, :func:`down` removes.
    """
    require_engine()
    ports = {"LELEKA_GATEWAY_PORT": str(gateway_port), "LELEKA_VALKEY_PORT": str(valkey_port)}
    _compose("up", "--wait", timeout_s=_UP_S, ports=ports)


def down() -> bool:
    """Ends both servers and the functions' containers, and removes their volumes and network; false without an engine,
    since there is nothing then.

    Raises:
        StackError: something would not end.
    """
    try:
        require_engine()
    except StackError:
        return False
    _compose("stop", timeout_s=_DOWN_S)
    # LocalStack removes its functions' containers when it ends in order; one that was killed leaves them, and with them
    # the network.
    left = _ask("ps", "--all", "--quiet", "--filter", f"name={FUNCTION_CONTAINERS}").split()
    if left:
        _ask("rm", "--force", *left)
    _compose("down", "--volumes", "--remove-orphans", timeout_s=_DOWN_S)
    return True


def require_engine() -> None:
    """Passes if a Docker engine answers and its Compose is there.

    Raises:
        StackError: they don't; nothing was started.
    """
    _ask("version", "--format", "{{.Server.Version}}")
    _ask("compose", "version")


def _ask(*arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            ["docker", *arguments],  # noqa: S607 - where the user has it
            capture_output=True,
            text=True,
            timeout=_ASK_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError(f"Docker can't be used here ({error})") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise StackError(f"Docker can't be used here (docker {arguments[0]}: {said[0].strip()})")
    return done.stdout


def _compose(*arguments: str, timeout_s: float, ports: dict[str, str] | None = None) -> None:
    command = ["docker", "compose", "--file", str(COMPOSE_FILE), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command, stdout=2, timeout=timeout_s, env={**os.environ, **(ports or {})}, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError(f"docker compose {arguments[0]} did not end well ({error})") from error
    if done.returncode:
        raise StackError(f"docker compose {arguments[0]} failed with exit code {done.returncode}; it says above why")
