"""The local stack: LocalStack and a Valkey server on this machine, started together and ended together."""

from leleka.stack.config import StackConfig, StackError
from leleka.stack.control import RunningStack, find, start, stop, temporary_stack

__all__ = ["RunningStack", "StackConfig", "StackError", "find", "start", "stop", "temporary_stack"]
