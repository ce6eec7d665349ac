"""Warm invocations: each handler's own CPU time over its I/O, and what botocore adds."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.performance.cases import Case, warm_cases
from tests.benchmarks.performance.environments import environment, lock_told, run
from tests.benchmarks.performance.packaged import Function, Unzipped, functions_and_code
from tests.benchmarks.performance.part import Part, hand_over
from tests.benchmarks.performance.stub import Stubs, stubs
from tests.benchmarks.performance.warm_page import section
from tests.benchmarks.performance.warm_times import Warm, warm

INVOCATIONS = 2_000
_FIGURE = "ReserveSeat"


def measure() -> Part:
    """Packages, then many invocations of each function, each function in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="leleka-warm-") as made, stubs() as servers:
        folder = Path(made)
        functions, code = functions_and_code(folder)
        found = {case.name: _measured(case, folder, functions, code, servers) for case in warm_cases()}
    own = found[_FIGURE].own
    return Part(
        figures={"reserve_cpu_us": round(own.median, 1)},
        section=section(found, INVOCATIONS),
        spreads={"reserve_cpu_us": f"{own.low:.0f} to {own.high:.0f}, eighths of {INVOCATIONS:,} invocations"},
    )


def _measured(case: Case, folder: Path, functions: Mapping[str, Function], code: Unzipped, servers: Stubs) -> Warm:
    function = functions[case.function]
    event = folder / "event.json"
    event.write_text(json.dumps(case.event))
    variables = environment(
        code.folder, servers, {**function.environment, **lock_told(function, servers), **case.environment}
    )
    told = run("many_invocations", [function.handler, str(event), str(INVOCATIONS), case.refusal], variables)
    return warm(told["own"], told["aws"], told["lock"])


if __name__ == "__main__":
    hand_over(measure)
