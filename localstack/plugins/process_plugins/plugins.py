"""What LocalStack finds through the entry points. Everything heavy is imported when it is asked for."""

from typing import Any

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
