"""LocalStack's runtime executor that runs functions as child processes."""

import logging
import os
import tempfile
import threading
import uuid
from pathlib import Path
from typing import ClassVar

from localstack.aws.api.lambda_ import PackageType, TooManyRequestsException
from localstack.config import GATEWAY_LISTEN, LAMBDA_LIMITS_MAX_FUNCTION_PAYLOAD_SIZE_BYTES
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from process_plugins.code_store import CodeStore
from process_plugins.invocation import Event, run
from process_plugins.pool import Dispatcher, Pool, PoolBusyError, PoolClosedError
from process_plugins.settings import Settings, SettingsError
from process_plugins.worker import Launch, Worker

LOG = logging.getLogger(__name__)
_LOOPBACK = "127.0.0.1"


class ProcessRuntimeExecutor(RuntimeExecutor):
    """Stands for one of LocalStack's "execution environments", but owns no process: those belong to the version.

    LocalStack makes an environment for each concurrent invocation; the pool decides how many processes serve them.
    """

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _settings: ClassVar[Settings | None] = None
    _dispatcher: ClassVar[Dispatcher | None] = None
    _code: ClassVar[CodeStore] = CodeStore()
    _pools: ClassVar[dict[tuple[str, str], Pool]] = {}

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002 - LocalStack's name
        super().__init__(id=id, function_version=function_version)
        self._environment: dict[str, str] = {}

    def start(self, env_vars: dict[str, str]) -> None:
        """Keeps the environment for processes that start on behalf of this executor."""
        self._environment = {name: str(value) for name, value in env_vars.items()}

    def stop(self) -> None:
        """Nothing to do: the pool ends idle processes, and invocations end by their own time-out."""

    def get_address(self) -> str:
        """Where a process is, seen from LocalStack."""
        return _LOOPBACK

    def get_endpoint_from_executor(self) -> str:
        """Where LocalStack is, seen from a process."""
        return _LOOPBACK

    def get_runtime_endpoint(self) -> str:
        """Of no use here: the processes don't call LocalStack's own executor routes."""
        return f"http://{_LOOPBACK}:{GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    def get_logs(self) -> str:
        """Empty: output belongs to invocations, and is in their results."""
        return ""

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Runs one invocation in a process of this version.

        Raises:
            TooManyRequestsException: no process became free in time.
            LambdaRuntimeException: the version was replaced or deleted, or no process could be started.
        """
        version = self.function_version
        dispatcher, pool = self._pool()
        event = Event(
            request_id=payload["invoke-id"],
            function_arn=payload["invoked-function-arn"],
            trace_id=payload.get("trace-id", ""),
            body=payload["payload"].encode(),
            version=version.id.qualifier,
            timeout_s=float(version.config.timeout),
            memory_size_mb=version.config.memory_size,
            max_response_bytes=LAMBDA_LIMITS_MAX_FUNCTION_PAYLOAD_SIZE_BYTES,
        )
        try:
            with dispatcher.lease(pool, self._environment.get("AWS_LAMBDA_LOG_STREAM_NAME", "")) as lease:
                answer = run(
                    event, lease, dispatcher, lambda: self._launch(pool.code_dir), self.settings().init_timeout_s
                )
        except PoolBusyError as error:
            raise TooManyRequestsException(str(error), Reason="ConcurrentInvocationLimitExceeded") from error
        except (PoolClosedError, OSError) as error:
            raise LambdaRuntimeException(str(error)) from error
        return InvocationResult(
            request_id=event.request_id,
            payload=answer.outcome.payload,
            is_error=answer.outcome.is_error,
            logs=answer.log,
        )

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unzips the code and opens the version's pool.

        Raises:
            LambdaRuntimeException: this executor can't run such a function.
        """
        settings = cls.settings()
        wanted = function_version.config
        if wanted.package_type != PackageType.Zip or wanted.code is None or wanted.layers:
            raise LambdaRuntimeException("the process executor runs Zip packages without layers only")
        if not str(wanted.runtime or "").startswith("python"):
            raise LambdaRuntimeException(f"the process executor runs Python functions only, not {wanted.runtime}")
        code_dir = cls._code.acquire(wanted.code)
        with cls._lock:
            if cls._dispatcher is None:
                cls._dispatcher = Dispatcher(settings)
            cls._pools[_key(function_version)] = cls._dispatcher.open(function_version.qualified_arn, code_dir)

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Ends the version's processes."""
        with cls._lock:
            pool = cls._pools.pop(_key(function_version), None)
            dispatcher = cls._dispatcher
        if pool is not None and dispatcher is not None:
            dispatcher.close(pool)
            cls._code.release(function_version.config.code)

    @classmethod
    def validate_environment(cls) -> bool:
        """Says in the log what is missing."""
        try:
            cls.settings()
        except SettingsError as error:
            LOG.error("The process executor can't run functions: %s", error)  # noqa: TRY400 - the message is enough
            return False
        return True

    @classmethod
    def settings(cls) -> Settings:
        """The settings, read once."""
        if cls._settings is None:
            cls._settings = Settings.from_environment()
        return cls._settings

    def _pool(self) -> tuple[Dispatcher, Pool]:
        with self._lock:
            pool = self._pools.get(_key(self.function_version))
            if pool is None or self._dispatcher is None:
                raise LambdaRuntimeException(f"{self.function_version.qualified_arn} is not there (any more)")
            return self._dispatcher, pool

    def _launch(self, code_dir: Path) -> Worker:
        settings = self.settings()
        wanted = self.function_version.config
        scratch_dir = Path(tempfile.gettempdir()) / "process-executor" / uuid.uuid4().hex
        environment = _aws_environment(settings.python, code_dir, scratch_dir) | self._environment
        environment |= {"LAMBDA_TASK_ROOT": str(code_dir), "LAMBDA_RUNTIME_DIR": str(settings.python.parent)}
        return Worker(
            Launch(
                python=settings.python,
                handler=wanted.handler or "",
                code_dir=code_dir,
                scratch_dir=scratch_dir,
                environment=environment,
                max_body_bytes=LAMBDA_LIMITS_MAX_FUNCTION_PAYLOAD_SIZE_BYTES,
                max_log_bytes=settings.max_log_bytes,
            )
        )


def _key(version: FunctionVersion) -> tuple[str, str]:
    """A version's name and its revision, which changes with its code and configuration."""
    return version.qualified_arn, version.config.internal_revision


def _aws_environment(python: Path, code_dir: Path, scratch_dir: Path) -> dict[str, str]:
    """What Lambda sets and LocalStack doesn't. Nothing is inherited from LocalStack's own environment."""
    return {
        "PATH": os.pathsep.join([str(python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": str(scratch_dir),
        "TMPDIR": str(scratch_dir),
        "PWD": str(code_dir),
    }
