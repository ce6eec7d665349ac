"""What a run says: the table on the screen, the page in docs/, and the line of JSON."""

import json
from collections.abc import Iterable

from tests.fault.cases import Matrix, Result
from tests.fault.kinds import COLUMNS
from tests.fault.local import TOTAL_S, TTL_S
from tests.fault.saga_file import BOOKING

type Key = tuple[str, str, str]

_HELD, _BROKEN, _NOT_RUN, _NOT_HERE = "✓", "✗", "?", "·"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Report:
    """A run's results over its matrix."""

    def __init__(self, matrix: Matrix, results: list[Result], global_violations: list[str], seconds: float) -> None:
        self._matrix, self._results, self._seconds = matrix, results, seconds
        self._global = global_violations

    @property
    def violations(self) -> int:
        """How many cases broke, and how often the check of everything did."""
        return sum(bool(result.violations) for result in self._results) + len(self._global)

    @property
    def skipped(self) -> int:
        """How many cases should have run and did not; a state that no scenario comes to is one."""
        return len(self._matrix.cases) - len(self._results) + len(self._matrix.unreached)

    def json(self) -> str:
        """The last line."""
        return json.dumps(
            {
                "cases": len(self._results),
                "violations": self.violations,
                "skipped": self.skipped,
                "seconds": round(self._seconds, 1),
            }
        )

    def screen(self) -> str:
        """The table, its legend, and all that broke."""
        width = max(len(row) for row, _ in self._rows())
        lines = [" " * width + "  " + " ".join(_LETTERS[: len(COLUMNS)])]
        lines += [f"{row:<{width}}  {' '.join(cell[-1] for cell in cells)}" for row, cells in self._rows()]
        lines += ["", *(f"{letter}  {column}" for letter, column in zip(_LETTERS, COLUMNS, strict=False))]
        lines += ["", f"{_HELD} held   {_BROKEN} broken   {_NOT_RUN} not run   {_NOT_HERE} can't happen there"]
        broken = [(result.case.name, one) for result in self._results for one in result.violations]
        lines += ["", *(f"{_BROKEN} {name}: {one}" for name, one in broken)]
        lines += [f"{_BROKEN} after all: {one}" for one in self._global]
        lines += [f"{_NOT_RUN} no scenario comes to {state}" for state in self._matrix.unreached]
        return "\n".join(lines)

    def page(self) -> str:
        """docs/FAULT_MATRIX.md."""
        letters = _LETTERS[: len(COLUMNS)]
        table = [f"| State | {' | '.join(letters)} |", f"|---{'|---' * len(letters)}|"]
        table += [f"| {row} | {' | '.join(cells)} |" for row, cells in self._rows()]
        legend = [f"| {letter} | {column} |" for letter, column in zip(letters, COLUMNS, strict=True)]
        reasons = sorted({(column, reason) for (_, _, column), reason in self._matrix.not_here.items()})
        return _PAGE.format(
            cases=len(self._results),
            violations=self.violations,
            skipped=self.skipped,
            seconds=round(self._seconds),
            table="\n".join(table),
            legend="\n".join(["| | What goes wrong |", "|---|---|", *legend]),
            reasons="\n".join(f"| {column} | {reason} |" for column, reason in _by_reason(reasons)),
            ttl=TTL_S,
            total=TOTAL_S,
        )

    def _rows(self) -> list[tuple[str, list[str]]]:
        found: dict[Key, list[str]] = {}
        ran = {result.case.name: result for result in self._results}
        for case in self._matrix.cases:
            result = ran.get(case.name)
            sign = _NOT_RUN if result is None else _BROKEN if result.violations else _HELD
            found.setdefault((case.saga, case.state, case.column), []).append(sign)
        places = list(dict.fromkeys((saga, state) for saga, state, _ in [*found, *self._matrix.not_here]))
        places.sort(key=lambda place: place[0] != BOOKING)
        return [
            (
                state if saga == BOOKING else f"{state} (cancelling)",
                [_cell(found.get((saga, state, column), [])) for column in COLUMNS],
            )
            for saga, state in places
        ]


def _cell(signs: list[str]) -> str:
    if not signs:
        return _NOT_HERE
    worst = next((sign for sign in (_BROKEN, _NOT_RUN) if sign in signs), _HELD)
    return f"{len(signs)}{worst}" if len(signs) > 1 else worst


def _by_reason(reasons: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    grouped: dict[str, list[str]] = {}
    for column, reason in reasons:
        grouped.setdefault(reason, []).append(column)
    return [(", ".join(columns), reason) for reason, columns in grouped.items()]


_PAGE = """# Fault matrix

Written by `make faults`; don't edit. Last run: **{cases} cases, {violations} violations, {skipped} skipped,
{seconds} s**.

Every state of both state machines that calls something, against everything that can go wrong there. The cases are made
from the state machines' files, so a new state gets its cases by being there. Each case is a real execution on the local
stack: the functions in processes of their own, LocalStack's Step Functions, SQS and SNS, a real Valkey.

{table}

✓ held · ✗ broken · ? not run · `·` can't happen there (see below) · a number: so many cases, one for each refusal

{legend}

## How a case goes

1. A booking is placed on a seat of its own, on a flight that no other case uses at that time.
2. A plan for this booking says what goes wrong, at which state and how often. The functions' interpreter loads a module
   of the tests (`tests/fault/seams/`) that takes it from there: around the handler, in botocore's HTTP session, in the
   lock's connection, in the gateway. There is no hook in the product's code. Killing and freezing Valkey is done to the
   real process, while the booking stands at the state.
3. Where the execution has to end is computed from the state machine's file: which Retry repeats, which Catch catches,
   what comes after. End, way, reason, error and the customer's view are compared with it, and that the fault was met.
4. An event that got stuck is delivered now, when all is over. What is stuck is driven again, as an operator would.
5. The promises are read for this booking: seat, ledgers, bags of the flight, payment, gateway, lock.

When all cases have ended, the shared promise check (`tests/promises.py`) reads every table, the gateway and Valkey;
mails are counted, and the operator's queue must tell of every booking that was raised.

## What is shorter here than deployed

So that a case takes seconds. States, the order and names in Retry and Catch, and all that functions do are as deployed.

| What | Here | Deployed |
|---|---|---|
| Retry: delay | up to 1 s; 4 s where a queue is between | up to 8 s; compensations up to 60 s |
| Retry: attempts | 4; 10 where a queue is between | 4; compensations 20 |
| TimeoutSeconds of RefundPayment | 20 s | 60 s |
| TimeoutSeconds of the other states, which a function's own 10 s must not outlast on a busy machine | 40 s | 15 s |
| Time-outs of the functions behind queues | 5 s | 30 s |
| Events that the notification function gets at a time | 1 | up to 10 |
| After how long a message comes again | 6 s | 180 s |
| A hold, and how old it may become | {ttl} s, {total} s | 15 min, 45 min |
| While Valkey is away: time-outs of functions and states | 120 s, 130 s | 10 s, 15 s |

LocalStack tells a repeated waiting state at once what the attempt before was told, since it mints the task token once a
state and not once an attempt. That uses up attempts until the new answer is there; hence the 10 attempts and the 4 s.

## What can't happen, and why

| What | Why not |
|---|---|
{reasons}

## Whether it would notice

`make faults-selfcheck` breaks the system on purpose, one break at a time (`tests/fault/mutations.py`), and runs the
cases that should notice. It fails if one break goes unnoticed.
"""
