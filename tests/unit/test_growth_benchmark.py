"""That the benchmark of growth notices what grows. The large sizes are in `make bench`."""

from typing import Any

import msgspec
import pytest

from chalicelib.seat.store import SeatStore
from chalicelib.shared.due import DueIndex
from chalicelib.shared.dynamo import Item, from_item, to_item
from tests.benchmarks.performance.growth import measures
from tests.benchmarks.performance.growth.looks import RECONCILER, looks
from tests.benchmarks.performance.growth.meter import Work
from tests.benchmarks.performance.growth.sizes import Size

SMALL, LARGE = Size(10, 100, 3), Size(20, 300, 3)
WORK = Work({"Query": 12, "UpdateItem": 9}, rows_read=9, rows_returned=9, rows_written=9, read_units=6.0)


def test_nothing_grows_with_flights_and_bookings() -> None:
    """At small sizes, as at the large ones of the benchmark."""
    assert measures.grown([looks(SMALL), looks(LARGE)]) == []


def test_a_scan_for_a_seat_map_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It returns the same seats and reads all there are."""

    def scans(store: Any, flight_id: str) -> list[Item]:
        found = store._client.scan(
            TableName=store._seats,
            FilterExpression="flight_id = :flight",
            ExpressionAttributeValues=to_item({":flight": flight_id}),
        )
        return [from_item(item) for item in found["Items"]]

    monkeypatch.setattr(SeatStore, "seats_of", scans)
    wrong = measures.grown([looks(SMALL), looks(LARGE)])
    assert [sentence.partition(":")[0] for sentence in wrong] == ["a seat map"]


def test_a_scan_for_what_is_due_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds the same rows and reads all there are."""

    def scans(index: Any, shard: str, now_s: int, limit: int) -> list[Item]:
        found = index._client.scan(
            TableName=index._table,
            FilterExpression="due_shard = :shard AND due_at_s <= :now",
            ExpressionAttributeValues=to_item({":shard": shard, ":now": now_s}),
        )
        return [from_item(item) for item in found["Items"]][:limit]

    monkeypatch.setattr(DueIndex, "_due_in", scans)
    wrong = measures.grown([looks(SMALL), looks(LARGE)])
    assert [sentence.partition(":")[0] for sentence in wrong] == [RECONCILER]


def test_more_due_rows_are_more_work_and_as_much_more() -> None:
    """Three rows a booking, each read and claimed once."""
    works = [looks(Size(10, 400, due))[RECONCILER] for due in (0, 3, 30)]
    assert measures.follows([0, 9, 90], works, queries_idle=12, rows_at_once=25) == []
    assert [work.rows_read for work in works] == [0, 9, 90]


@pytest.mark.parametrize(
    "changes",
    [
        {"rows_returned": 10},
        {"requests": {"Query": 12, "UpdateItem": 10}},
        {"requests": {"Query": 13, "UpdateItem": 9}},
        {"requests": {"Query": 12, "UpdateItem": 9, "Scan": 1}},
    ],
)
def test_work_that_is_not_what_is_due_is_noticed(changes: dict[str, Any]) -> None:
    """A row more, a claim more, a query too many, a request of another kind."""
    assert measures.follows([9], [WORK], queries_idle=12, rows_at_once=25) == []
    assert measures.follows([9], [msgspec.structs.replace(WORK, **changes)], queries_idle=12, rows_at_once=25)
