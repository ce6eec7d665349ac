"""A booking's end reaches the customer by mail: state machine → SNS → SQS → function → SES."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from leleka.stage import Stage
from tests.functional.customer import Customer
from tests.promises import Promises

pytestmark = pytest.mark.stack
_MAIL_S = 60.0


def mails_about(stage: Stage, booking_id: str) -> list[dict[str, Any]]:
    """The mails that name the booking, once there is one."""
    until_s = time.monotonic() + _MAIL_S
    while True:
        messages = httpx.get(f"{stage.aws.gateway_url}/_aws/ses", timeout=10).json()["messages"]
        found = [message for message in messages if booking_id in str(message["Body"])]
        if found:
            return found
        assert time.monotonic() < until_s, f"no mail about {booking_id} within {_MAIL_S} s"
        time.sleep(0.1)


def test_a_confirmed_booking_is_told_with_its_price(
    stage: Stage, customer: Callable[[], Customer], seat: str, promises: Promises
) -> None:
    """To the passenger's address, once."""
    olena = customer()
    booking_id = olena.outcome(olena.book(seat)["booking_id"])["booking_id"]
    (mail,) = mails_about(stage, booking_id)
    assert mail["Destination"]["ToAddresses"] == ["olena@example.com"]
    assert mail["Subject"] == f"Confirmed: KBP-BCN-0615, seat {seat}"
    assert "79.90 EUR" in mail["Body"]["text_part"]
    promises.hold()


def test_a_cancelled_booking_is_told_with_its_reason(
    stage: Stage, customer: Callable[[], Customer], seat: str, promises: Promises
) -> None:
    """In words, not in the name of an error."""
    olena = customer()
    booking_id = olena.outcome(olena.book(seat, "pm_declined")["booking_id"])["booking_id"]
    (mail,) = mails_about(stage, booking_id)
    assert "the card was declined" in mail["Body"]["text_part"]
    assert "CardDeclined" not in mail["Body"]["text_part"]
    promises.hold()
