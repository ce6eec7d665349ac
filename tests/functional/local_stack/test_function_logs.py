"""What a function prints reaches CloudWatch and the caller, under the right invocation."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from leleka.stage import Aws
from tests.functional.local_stack.functions import Function, eventually, logged, make_function

pytestmark = pytest.mark.stack


def _lines(word: str) -> list[str]:
    return [f"stdout of {word}", f"stderr of {word}", f"child of {word}", f"unfinished line of {word}"]


def test_output_is_attributed_to_the_invocation_that_printed_it(probe: Function) -> None:
    """Not a line is lost or comes with the next invocation, not even one that was written just before the end."""
    for word in ("first", "second", "third"):
        reply = probe.invoke("print", word=word)

        start, *printed, end, report = [line for line in reply.log.splitlines() if line != "probe is imported"]
        assert start == f"START RequestId: {reply.request_id} Version: $LATEST"
        assert printed == _lines(word)
        assert end == f"END RequestId: {reply.request_id}"
        assert report.startswith(f"REPORT RequestId: {reply.request_id}\tDuration: ")


def test_output_of_invocations_at_the_same_time_does_not_mix(probe: Function) -> None:
    """Each of many simultaneous invocations gets its own output and its own request id."""
    words = [f"word-{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda word: probe.invoke("print", word=word), words))

    for word, reply in zip(words, replies, strict=True):
        assert reply.payload == reply.request_id
        assert [line for line in reply.log.splitlines() if " of " in line] == _lines(word)


def test_output_reaches_cloudwatch(probe_aws: Aws) -> None:
    """Operators look for it there."""
    function = make_function(probe_aws)
    reply = function.invoke("print", word="Київ")

    log = eventually(lambda: text if "END" in (text := logged(probe_aws, function)) else None)

    assert f"START RequestId: {reply.request_id}" in log
    assert "stdout of Київ\n" in log


def test_an_exception_is_in_the_log(probe: Function) -> None:
    """With its trace, as the runtime client words it."""
    reply = probe.invoke("raise", message="seat 12A is taken")

    assert "[ERROR] SeatTaken: seat 12A is taken" in reply.log


def test_the_output_before_a_sudden_end_is_kept(probe_aws: Aws) -> None:
    """What a process printed last is what explains its end."""
    source = "import os\ndef handler(event, context):\n    print('last words')\n    os._exit(1)\n"
    reply = make_function(probe_aws, source).invoke()

    assert "last words\n" in reply.log
    assert "Runtime.ExitError" in reply.log


def test_a_flood_of_output_is_cut(probe_aws: Aws) -> None:
    """One invocation keeps 1 MiB at most; the function isn't held up, and the log says what is missing."""
    reply = make_function(probe_aws).invoke("flood", lines=20_000)

    assert not reply.failed
    assert f"[{2_000_018 - 1_048_576} more bytes of output were dropped]" in reply.log
