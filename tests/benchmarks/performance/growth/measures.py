"""What is flat, and what follows what is due."""

from collections.abc import Mapping, Sequence

from tests.benchmarks.performance.growth.meter import Work


def grown(by_size: Sequence[Mapping[str, Work]]) -> list[str]:
    """The looks that do not cost exactly the same at every size, with what differs."""
    first, *others = by_size
    return [
        f"{name}: {first[name]}, and at another size {other[name]}"
        for other in others
        for name in first
        if other[name] != first[name]
    ]


def follows(due_rows: Sequence[int], works: Sequence[Work], *, queries_idle: int, rows_at_once: int) -> list[str]:
    """How the reconciler's work departs from what is due: it reads and claims each due row once and no other, and its
    queries are those of an idle look and, at the most, those again for each batch that it claimed."""
    wrong = []
    for rows, work in zip(due_rows, works, strict=True):
        claims = work.requests.get("UpdateItem", 0)
        queries = work.requests["Query"]
        most = queries_idle * (1 + rows // rows_at_once)
        if (work.rows_returned, claims) != (rows, rows) or not 0 < queries <= most or work.total != queries + claims:
            wrong.append(f"{rows} rows are due: {work}")
    return wrong
