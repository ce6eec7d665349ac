"""A seat for each test; the stack itself is that of the session."""

import itertools

import pytest

_seats = itertools.count()


@pytest.fixture
def seat() -> str:
    """A seat of KBP-BCN-0615 that no other test uses, so that tests neither wait for nor disturb each other; behind the
    exit rows, so that all cost the same."""
    index = next(_seats)
    return f"{18 + index // 6}{'ABCDEF'[index % 6]}"
