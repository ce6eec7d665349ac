"""One cold start, in a process of the functions' own environment: imports the handler and invokes it once.

Called as ``python -m … HANDLER EVENT``. Prints, as JSON, the CPU and the wall time in milliseconds, the answer, and
which modules are loaded by then.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import awslambdaric.bootstrap  # noqa: F401 - the runtime itself is there before any function


def main() -> None:
    """Measures from before the import to after the first answer."""
    handler, event = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    context = SimpleNamespace(aws_request_id="1", function_name="bench", memory_limit_in_mb=512)
    told, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115, PTH123 - for the life of the process
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    module, _, name = handler.rpartition(".")
    answer = getattr(importlib.import_module(module), name)(event, context)
    cpu_ms, wall_ms = (time.process_time() - cpu_s) * 1000, (time.perf_counter() - wall_s) * 1000
    result = {"cpu_ms": cpu_ms, "wall_ms": wall_ms, "answer": answer, "modules": sorted(sys.modules)}
    print(json.dumps(result, default=str), file=told)


if __name__ == "__main__":
    main()
