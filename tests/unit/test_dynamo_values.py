"""Plain values to DynamoDB's typed form and back: as boto3 does it, for the types that Leleka stores."""

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.seat.models import SeatStatus
from chalicelib.shared.dynamo import from_item, to_item

WHOLE = st.integers(-(10**37), 10**37)
VALUES = st.recursive(
    st.none() | st.booleans() | WHOLE | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=6))
def test_what_is_written_is_what_boto3_would_write_and_comes_back(values: dict[str, Any]) -> None:
    """At the top None is left out; further in it is a null."""
    kept = {name: value for name, value in values.items() if value is not None}
    item = to_item(values)
    assert item == {name: TypeSerializer().serialize(value) for name, value in kept.items()}
    assert from_item(item) == kept
    assert {name: TypeDeserializer().deserialize(value) for name, value in item.items()} == kept


def test_states_are_written_as_text_and_tuples_as_lists() -> None:
    """A status is a str, too."""
    item = to_item({"status": SeatStatus.HELD, "seats": ("12A", 7)})
    assert item == {"status": {"S": "HELD"}, "seats": {"L": [{"S": "12A"}, {"N": "7"}]}}


@pytest.mark.parametrize("value", [1.5, Decimal(1), {"a"}, b"bytes", [0.1], {"price": 9.9}])
def test_what_leleka_does_not_store_is_not_written(value: object) -> None:
    """Floats would come back as other numbers."""
    with pytest.raises(TypeError, match="no attribute"):
        to_item({"value": value})


@pytest.mark.parametrize("typed", [{"N": "1.5"}, {"B": b"x"}, {"SS": ["a"]}])
def test_what_leleka_does_not_store_is_not_read(typed: dict[str, Any]) -> None:
    """Nobody has written it, so nobody can know what it means."""
    with pytest.raises(ValueError, match=r"1\.5|none of Leleka's"):
        from_item({"value": typed})
