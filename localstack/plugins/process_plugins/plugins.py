"""What LocalStack finds through the entry points. Everything heavy is imported when it is asked for."""

import os
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


@hooks.on_infra_start()
def tell_source_address() -> None:
    """Always."""
    from process_plugins import source_address  # noqa: PLC0415 - not earlier than LocalStack's own set-up

    source_address.tell_source_address()


@hooks.on_infra_start()
def keep_one_of_each_zip() -> None:
    """Always; it changes what takes time and room, and no answer."""
    from process_plugins import archives  # noqa: PLC0415 - not earlier than LocalStack's own set-up; it loads services

    archives.keep_one_of_each()


@hooks.on_infra_start()
def update_functions_for_chalice() -> None:
    """Always; who is not Chalice notices only that an answer comes later."""
    from process_plugins import lambda_updates  # noqa: PLC0415 - not earlier than LocalStack's own set-up

    lambda_updates.as_chalice_needs_them()


@hooks.on_infra_start()
def answer_as_configured() -> None:
    """Always; an API without gateway responses is left alone."""
    from process_plugins import gateway_answers  # noqa: PLC0415 - not earlier than LocalStack's own set-up

    gateway_answers.answer_as_configured()


@hooks.on_infra_start()
def remember_what_stays() -> None:
    """Always; it changes what takes time, and no answer."""
    from process_plugins import remembered  # noqa: PLC0415 - not earlier than LocalStack's own set-up; it loads services

    remembered.remember_what_stays()


@hooks.on_infra_start()
def keep_trail_as_configured() -> None:
    """``CALL_TRAIL=<file>``."""
    if file := os.environ.get("CALL_TRAIL"):
        from process_plugins import trail  # noqa: PLC0415 - loaded only when wanted; it loads services

        trail.keep(file)
