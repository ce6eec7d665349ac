"""Shows that the matrix can fail: each mutation, and the cases that noticed it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fault.cases import Matrix, Result
from tests.fault.local import Local
from tests.fault.mutations import MUTATIONS, Mutation
from tests.fault.run import Runner
from tests.fault.saga_file import BOOKING


def cases_for(mutation: Mutation, matrix: Matrix) -> list[str]:
    """The names of the cases that should notice."""
    return [case.name for case in matrix.cases if re.search(mutation.cases, case.name)]


def run(runner: Runner, matrix: Matrix, only: str) -> Iterator[tuple[Mutation, list[Result]]]:
    """Each mutation of such a name with the results of its cases; what was broken is mended after each."""
    for mutation in [one for one in MUTATIONS if re.search(only, one.name)]:
        wanted = set(cases_for(mutation, matrix))
        with _broken(runner, mutation):
            results = runner.run([case for case in matrix.cases if case.name in wanted], lambda _: None)
        runner.forget_locks()
        yield mutation, results


def noticed(results: list[Result]) -> list[Result]:
    """The results that tell of the break."""
    return [result for result in results if result.violations]


@contextmanager
def _broken(runner: Runner, mutation: Mutation) -> Iterator[None]:
    local: Local = runner.local
    original = runner.sagas[BOOKING].definition
    if mutation.saga:
        local.use_saga(BOOKING, mutation.definition(original))
    elif mutation.functions:
        code = mutation.code(local.code)
        for function in mutation.functions:
            local.use_code(function, code)
    try:
        yield
    finally:
        if mutation.saga:
            local.use_saga(BOOKING, original)
        for function in mutation.functions:
            local.use_code(function, local.code)
