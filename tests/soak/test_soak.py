"""The soak run's own parts: it kills what is its own only, and its chart shows what happened."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from leleka.stack.config import free_ports
from leleka.stack.process import ProcessId
from tests.soak import chart
from tests.soak.faults import functions_of, running_valkey

RUNS = "import sys; print('runs', flush=True); sys.stdin.read()"
FUNCTION = [sys.executable, "-c", RUNS, "process_plugins/bootstrap.py"]


def test_only_functions_of_its_own_localstack_are_found() -> None:
    """A child that runs a function, but neither another child nor another process's function."""
    with (
        subprocess.Popen(FUNCTION, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as function,  # noqa: S603 - our own
        subprocess.Popen(FUNCTION[:-1], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other,  # noqa: S603 - our own
    ):
        try:
            # Popen returns before the kernel has written the new command line to /proc.
            assert [child.stdout.readline() for child in (function, other) if child.stdout] == [b"runs\n"] * 2
            assert functions_of(os.getpid()) == [ProcessId.of(function.pid)]
            assert functions_of(os.getppid()) == []
        finally:
            function.kill()
            other.kill()


@pytest.mark.timeout(60)
def test_a_killed_valkey_comes_back_on_its_port_and_ends_with_the_block(tmp_path: Path) -> None:
    """And one that is stopped goes on."""
    port = free_ports(1)[0]
    with running_valkey(port, tmp_path) as valkey:
        first = valkey.process
        valkey.kill()
        assert valkey.process.alive()
        assert not first.alive()
        valkey.stop_for(0.1)
        last = valkey.process
    assert last.wait_until_gone(5)


def test_the_chart_counts_what_happened_in_each_five_seconds() -> None:
    """Confirmed below, refused above, a mark for each fault; the last moment belongs to the last bar."""
    endings = [(0.1, "CONFIRMED"), (4.9, "CONFIRMED"), (4.9, "CANCELLED"), (11.0, "CONFIRMED")]
    faults = [(1.0, "function"), (9.0, "valkey killed"), (9.9, "valkey stopped")]
    drawn = chart.draw(endings, faults, 10, "a run")
    root = ET.fromstring(drawn)  # noqa: S314 - our own text
    bars = [float(bar.attrib["height"]) for bar in root if bar.tag.endswith("rect") and bar.attrib["height"] != "10.0"]
    first_confirmed, first_refused, second_confirmed, second_refused = bars
    assert first_confirmed == pytest.approx(2 * first_refused, abs=0.2)
    assert (second_confirmed, second_refused) == (first_refused, 0)
    assert re.findall(r"<circle.*?<title>(.*?)</title>", drawn) == ["function", "valkey killed", "valkey stopped"]


def test_a_chart_of_nothing_can_be_drawn() -> None:
    """No division by nothing."""
    ET.fromstring(chart.draw([], [], 0, "nothing"))  # noqa: S314 - our own text
