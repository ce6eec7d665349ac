"""The pipe that carries a process's output, without LocalStack: what depends on timing there is certain here."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from leleka.paths import PROJECT


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A pipe that keeps 100 bytes of an invocation."""
    monkeypatch.syspath_prepend(PROJECT / "localstack" / "plugins")
    from process_plugins.output import Output  # noqa: PLC0415 - it is not on the project's own path

    pipe = Output(max_bytes=100)
    yield pipe
    pipe.close_writer()
    pipe.close()


def test_what_was_written_before_the_response_is_taken_with_it(output: Any) -> None:
    """Even if nothing was read in the meantime; and nothing is taken twice."""
    os.write(output.writer, b"just in time")

    assert output.take() == "just in time\n"
    assert output.take() == ""


def test_what_exceeds_the_limit_is_counted(output: Any) -> None:
    """The next invocation starts with nothing."""
    os.write(output.writer, b"x" * 250)

    assert output.take() == "x" * 100 + "\n[150 more bytes of output were dropped]\n"
    assert output.take() == ""
