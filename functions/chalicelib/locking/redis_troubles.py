"""What redis-py's errors mean to a lock."""

import redis
from redis.exceptions import (
    BusyLoadingError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
)
from redis.sentinel import MasterNotFoundError

from chalicelib.locking import link
from chalicelib.locking.verdicts import Trouble
from chalicelib.locking.wire import ServerError


def trouble_of(error: Exception) -> Trouble:
    """What an error of redis-py, or of the socket, means to a lock."""
    if isinstance(error, redis.TimeoutError):
        return Trouble.TIMED_OUT
    for kinds, trouble in _TROUBLES:  # redis-py takes the code off the message of an error that it has a class for
        if isinstance(error, kinds):
            return trouble
    if isinstance(error, redis.ResponseError):
        return ServerError(str(error)).trouble
    return Trouble.REFUSED if isinstance(error, redis.ConnectionError) else link.trouble_of(error)


_TROUBLES: tuple[tuple[tuple[type[Exception], ...], Trouble], ...] = (
    ((redis.AuthenticationError, NoPermissionError), Trouble.NOT_AUTHENTICATED),
    ((ReadOnlyError,), Trouble.READ_ONLY),
    ((OutOfMemoryError,), Trouble.OUT_OF_MEMORY),
    ((BusyLoadingError, MasterDownError, MasterNotFoundError), Trouble.NOT_READY),
)
