"""CloudFormation looks at a resource that is being made every 50 ms instead of every second.

Here a function or a table is ready within milliseconds, but LocalStack waits a full second before it looks again: with
thirty of them a deployment spends half a minute asleep. The interval is a default argument, so that is what is changed.
"""

import inspect
import logging

from localstack.services.cloudformation.resource_provider import ResourceProviderExecutor

LOG = logging.getLogger(__name__)
_POLL_S = 0.05


def poll_quickly() -> None:
    """Changes the default interval; says so in the log if this LocalStack has none to change."""
    function = ResourceProviderExecutor.deploy_loop
    parameters = inspect.signature(function).parameters
    if "sleep_time" not in parameters:
        LOG.warning("this LocalStack's deploy_loop has no sleep_time; deployments keep its own pace")
        return
    defaulted = [name for name, parameter in parameters.items() if parameter.default is not inspect.Parameter.empty]
    function.__defaults__ = tuple(_POLL_S if name == "sleep_time" else parameters[name].default for name in defaulted)
