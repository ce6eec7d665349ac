"""Cold starts: import and first invocation of every function, against a hello world with one client of boto3."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.performance.cases import Case, cases
from tests.benchmarks.performance.cold_page import bars, section
from tests.benchmarks.performance.cold_times import HELLO, ColdTimes
from tests.benchmarks.performance.environments import environment, lock_told, run
from tests.benchmarks.performance.packaged import Function, Unzipped, functions_and_code, hello_world
from tests.benchmarks.performance.part import Part, hand_over
from tests.benchmarks.performance.stub import Stubs, stubs

ROUNDS = 9
_HELLO_EVERY = 8


class _Start(NamedTuple):
    """One process that is started again and again."""

    name: str
    handler: str
    event: Path
    variables: Mapping[str, str]


def measure() -> Part:
    """Packages, then rounds over hello world and all functions in turn."""
    with tempfile.TemporaryDirectory(prefix="leleka-cold-") as made, stubs() as servers:
        folder = Path(made)
        functions, code = functions_and_code(folder)
        hello = hello_world(folder)
        all_cases = cases()
        _every_function_has_a_case(functions, all_cases)
        starts = list(_starts(folder, functions, code, hello, servers, all_cases))
        for start in starts:
            _cpu_and_wall_ms(start)  # brings files into the machine's memory, and shows what does not work
        times = ColdTimes()
        for _ in range(ROUNDS):
            _round(starts, times)
        return Part(
            figures=times.figures(all_cases),
            spreads=times.spreads(all_cases),
            section=section(times, all_cases, code),
            charts={"cold.svg": bars(times, all_cases)},
        )


def _round(starts: Sequence[_Start], times: ColdTimes) -> None:
    """Starts each once, and hello world, by which all are measured, several times on the way."""
    hello, *others = starts
    for place, start in enumerate(others):
        if place % _HELLO_EVERY == 0:
            times.add(HELLO, *_cpu_and_wall_ms(hello))
        times.add(start.name, *_cpu_and_wall_ms(start))


def _starts(
    folder: Path,
    functions: Mapping[str, Function],
    code: Unzipped,
    hello: Unzipped,
    servers: Stubs,
    all_cases: list[Case],
) -> Iterator[_Start]:
    yield _Start(HELLO, "app.hello", _file(folder, {"name": "Olena"}), environment(hello.folder, servers, {}))
    for case in all_cases:
        function = functions[case.function]
        lock = lock_told(function, servers, own_cache=case.own_cache)
        told = {**function.environment, **lock, **case.environment}
        yield _Start(case.name, function.handler, _file(folder, case.event), environment(code.folder, servers, told))


def _file(folder: Path, event: Mapping[str, Any]) -> Path:
    path = folder / f"event-{len(list(folder.glob('event-*.json')))}.json"
    path.write_text(json.dumps(event))
    return path


def _cpu_and_wall_ms(start: _Start) -> tuple[float, float]:
    told = run("first_invocation", [start.handler, str(start.event)], start.variables)
    return told["cpu_ms"], told["wall_ms"]


def _every_function_has_a_case(functions: Mapping[str, Function], all_cases: list[Case]) -> None:
    missing = functions.keys() ^ {case.function for case in all_cases}
    if missing:
        raise ValueError(f"functions and cases differ in {', '.join(sorted(missing))}")


if __name__ == "__main__":
    hand_over(measure)
