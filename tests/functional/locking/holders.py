"""Holders of seats, each a process of its own that a test can freeze or kill."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec

from tests.functional.locking.seat_worker import Json, Place

ANSWER_S = 30.0
_PROJECT = Path(__file__).parents[3]


class Journal(Protocol):
    """Who hears of every hold that was granted."""

    def note(self, seat: str, booking: str, number: int) -> None: ...


class Refused(Exception):
    """The seat service refused; the message is the error's class."""


class Worker:
    """A holder in a process of its own, dead with the test process."""

    def __init__(self, place: Place, journal: Journal) -> None:
        self._journal = journal
        self._process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "tests.functional.locking.seat_worker", msgspec.json.encode(place).decode()],
            cwd=_PROJECT,
            env={"PATH": os.defpath, "PYTHONPATH": f"{_PROJECT / 'functions'}:{_PROJECT}", "LANG": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._events: list[Json] = []
        self._asked: Json = {}
        self._busy = False  # until it has answered; a frozen one won't
        self._received = b""

    @property
    def idle(self) -> bool:
        """Whether it lives and waits to be told something."""
        return self._process.poll() is None and not self._busy

    def ask(self, do: str, **told: Any) -> Any:
        """Has it done, and returns the answer. Raises Refused."""
        self.tell(do, **told)
        return self.answer()

    def tell(self, do: str, **told: Any) -> None:
        """Has it begun."""
        self._asked = told
        self._busy = True
        self._write({"do": do, **told})

    def go_on(self) -> None:
        """Ends a pause."""
        self._write({})

    def answer(self) -> Any:
        """What it answers to what it was told. Raises Refused."""
        line = self._next(lambda line: "event" not in line)
        self._busy = False
        if "refused" in line:
            raise Refused(line["refused"])
        assert "answer" in line, line["failed"]
        return line["answer"]

    def event(self, name: str, timeout_s: float = ANSWER_S) -> Json:
        """Waits until it says so."""
        return self._next(lambda line: line.get("event") == name, timeout_s)

    def open(self, url: str, ttl_ms: int, **told: Any) -> None:
        """Its lock from now on."""
        self._events.clear()
        self.ask("open", url=url, ttl_ms=ttl_ms, **told)

    def reserve(self, seat: str, booking: str, **told: Any) -> int:
        """The hold's fencing number, which the check will know of. Raises Refused."""
        self.tell("reserve", seat=seat, booking=booking, **told)
        return self.reserved()

    def reserved(self) -> int:
        """The same, of a reserve that it was told before."""
        seat, booking = self._asked["seat"], self._asked["booking"]
        number = cast("int", self.answer())
        self._journal.note(seat, booking, number)
        return number

    def freeze(self) -> None:
        """It stands still; its clock goes on."""
        self._busy = True
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._busy = False
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """It is gone, without a word."""
        self._process.kill()
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()

    def _write(self, line: Json) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(line).encode() + b"\n")

    def _next(self, wanted: Callable[[Json], bool], timeout_s: float = ANSWER_S) -> Json:
        until_s = time.monotonic() + timeout_s
        while not (found := next(filter(wanted, self._events), None)):
            self._events.append(self._line(until_s))
        self._events.remove(found)
        return found

    def _line(self, until_s: float) -> Json:
        assert self._process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._received:
                assert selector.select(until_s - time.monotonic()), "the holder says nothing"
                data = self._process.stdout.read(65536)
                assert data, "the holder has ended"
                self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return cast("Json", json.loads(line))


class Crew:
    """Holders that are started once and used by test after test; one that was killed, or left at
    its work by a test that failed, is replaced."""

    def __init__(self, place: Place, journal: Journal) -> None:
        self._place, self._journal = place, journal
        self._workers: list[Worker] = []

    def get(self, count: int) -> list[Worker]:
        """So many, all alive."""
        for worker in [worker for worker in self._workers if not worker.idle]:
            worker.kill()
            self._workers.remove(worker)
        fresh = [Worker(self._place, self._journal) for _ in range(count - len(self._workers))]
        self._workers += fresh
        for worker in fresh:
            worker.event("up")
        return self._workers[:count]

    def end(self) -> None:
        """Ends them all."""
        for worker in self._workers:
            worker.kill()
