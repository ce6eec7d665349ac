"""What LocalStack finds through the entry points. Everything heavy is imported when it is asked for."""

from typing import Any

from localstack.runtime import hooks
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.plugins import aws_provider


class ProcessRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """``LAMBDA_RUNTIME_EXECUTOR=process``."""

    name = "process"

    def load(self, *_args: Any, **_options: Any) -> Any:
        """The executor's class."""
        from process_plugins.executor import ProcessRuntimeExecutor  # noqa: PLC0415 - loaded only when chosen

        return ProcessRuntimeExecutor


@aws_provider(api="dynamodb", name="atomic")
def dynamodb_atomic() -> Any:
    """``PROVIDER_OVERRIDE_DYNAMODB=atomic``."""
    from process_plugins.dynamodb import service  # noqa: PLC0415 - loaded only when chosen

    return service()


@hooks.on_infra_start()
def listen_as_configured() -> None:
    """Always; this is the last moment before LocalStack opens its ports."""
    from process_plugins import loopback  # noqa: PLC0415 - not earlier than LocalStack's own set-up

    loopback.listen_as_configured()


@hooks.on_infra_start()
def compress_as_configured() -> None:
    """Always; an API without the setting is left alone."""
    from process_plugins import compression  # noqa: PLC0415 - not earlier than LocalStack's own set-up

    compression.compress_as_configured()
