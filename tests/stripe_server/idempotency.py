"""Idempotency as Stripe documents it: the first answer of a key is kept, errors too, once the endpoint has begun."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.stripe_server.shapes import Json, StripeFault

type Answer = tuple[int, Json]


@dataclass
class _Kept:
    path: str
    params: Json
    answer: Answer | None = None  # None while the first request is at work


class Idempotency:
    """Keys of one account; ``forget`` is the end of their 24 hours."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def forget(self) -> None:
        """Every key is pruned, as Stripe does when they are a day old."""
        with self._lock:
            self._kept.clear()

    def once(self, key: str | None, path: str, params: Json, work: Callable[[], Answer]) -> tuple[Answer, bool]:
        """The answer, and whether it is a replay.

        Raises:
            StripeFault: the key belongs to another request, or its request is still at work.
        """
        if key is None:
            return work(), False
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                self._kept[key] = kept = _Kept(path, params)
            else:
                return _replay(key, kept, path, params), True
        try:
            answer = work()
        except StripeFault as fault:
            if not fault.begun:
                with self._lock:
                    self._kept.pop(key, None)
                raise
            answer = fault.status, fault.body
        kept.answer = answer
        return answer, False


def _replay(key: str, kept: _Kept, path: str, params: Json) -> Answer:
    if kept.answer is None:
        raise StripeFault(
            409,
            "idempotency_error",
            f"There is currently another in-progress request using this Idempotent Key ({key}).",
            code="idempotency_key_in_use",
        )
    if kept.path != path:
        text = "Keys for idempotent requests can only be used for the same endpoint they were first used for"
        raise StripeFault(400, "idempotency_error", f"{text} ('{kept.path}'). Try using a key other than '{key}'.")
    if kept.params != params:
        text = "Keys for idempotent requests can only be used with the same parameters they were first used with."
        raise StripeFault(400, "idempotency_error", f"{text} Try using a key other than '{key}'.")
    return kept.answer
