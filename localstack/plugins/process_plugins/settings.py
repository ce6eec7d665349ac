"""What the process executor can be told through LocalStack's environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "PROCESS_EXECUTOR_"
_CORES = os.cpu_count() or 1


class SettingsError(Exception):
    """An environment variable is missing or makes no sense; the message names it."""


@dataclass(frozen=True)
class Settings:
    """The executor's settings: ``max_total`` is ``PROCESS_EXECUTOR_MAX_TOTAL``, and so on.

    Attributes:
        python: the interpreter of an environment that holds what AWS gives a function: awslambdaric and boto3.
        max_processes: at most so many processes for one version of a function; more invocations wait.
        max_total: at most so many processes altogether; the one that was idle longest makes room for a new one.
        max_cold_starts: at most so many processes that are just starting.
        init_timeout_s: the time for importing the handler, which is not charged to the function's own time-out.
        queue_timeout_s: the time an invocation waits for a process before it is refused.
        idle_timeout_s: a process that nobody used for so long ends.
        max_log_bytes: at most so much output of one invocation is kept.
    """

    python: Path
    max_processes: int = max(4, 2 * _CORES)
    max_total: int = 32 * _CORES
    max_cold_starts: int = 2 * _CORES
    init_timeout_s: float = 30.0
    queue_timeout_s: float = 300.0
    idle_timeout_s: float = 600.0
    max_log_bytes: int = 1024 * 1024

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Reads the variables.

        Raises:
            SettingsError: the interpreter is not given or isn't one, or a number isn't above 0.
        """
        python = environment.get(f"{_PREFIX}PYTHON", "")
        if not os.access(python, os.X_OK):
            raise SettingsError(
                f"set {_PREFIX}PYTHON to the Python of an environment with awslambdaric and boto3; it is {python!r}"
            )
        return cls(
            python=Path(python).absolute(),
            max_processes=int(_above_0(environment, "MAX_PROCESSES", cls.max_processes)),
            max_total=int(_above_0(environment, "MAX_TOTAL", cls.max_total)),
            max_cold_starts=int(_above_0(environment, "MAX_COLD_STARTS", cls.max_cold_starts)),
            init_timeout_s=_above_0(environment, "INIT_TIMEOUT_S", cls.init_timeout_s),
            queue_timeout_s=_above_0(environment, "QUEUE_TIMEOUT_S", cls.queue_timeout_s),
            idle_timeout_s=_above_0(environment, "IDLE_TIMEOUT_S", cls.idle_timeout_s),
            max_log_bytes=int(_above_0(environment, "MAX_LOG_BYTES", cls.max_log_bytes)),
        )


def _above_0(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(f"{_PREFIX}{name}") or str(default)
    try:
        value = float(text)
    except ValueError as error:
        raise SettingsError(f"{_PREFIX}{name} is {text!r}; it must be a number") from error
    if value <= 0:
        raise SettingsError(f"{_PREFIX}{name} is {text}; it must be above 0")
    return value
