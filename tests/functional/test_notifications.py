"""A booking's end reaches the customer by mail: state machine → SNS → SQS → function → SES."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from leleka.stage import Stage
from tests.functional.customer import Customer, eventually
from tests.promises import Promises

pytestmark = pytest.mark.stack
_MAIL_S = 60.0


@pytest.fixture
def broken_mail_server(stage: Stage) -> Iterator[None]:
    """Mail goes out under an address that the mail server refuses."""
    awslambda = stage.aws.client("lambda")
    pages = awslambda.get_paginator("list_functions").paginate()
    functions = [each for page in pages for each in page["Functions"]]
    function = next(each for each in functions if "NotifyCustomer" in each["FunctionName"])
    name, variables = function["FunctionName"], function["Environment"]["Variables"]
    refused = {**variables, "SENDER_ADDRESS": "nobody@unverified.example"}
    awslambda.update_function_configuration(FunctionName=name, Environment={"Variables": refused})
    yield
    awslambda.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


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
    booking = olena.outcome(olena.book(seat)["booking_id"])
    (mail,) = mails_about(stage, booking["booking_id"])
    assert mail["Destination"]["ToAddresses"] == [olena.email]
    assert mail["Subject"] == f"Confirmed: KBP-BCN-0615, seat {seat}, {booking['record_locator']}"
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


def test_a_held_seat_is_told_in_the_customers_language(
    stage: Stage, customer: Callable[[], Customer], seat: str, promises: Promises
) -> None:
    """Ukrainian, because she chose it; then that nothing was charged, when she gives the seat up."""
    olena = customer()
    booking = olena.post({**olena.request(seat, method=None), "language": "uk"}).json()
    booking_id = booking["booking_id"]
    olena.secrets[booking_id] = booking["secret"]
    until = olena.waiting(booking_id)["hold_expires_at"]
    (mail,) = mails_about(stage, booking_id)
    assert f"Тримаємо для вас місце {seat}" in mail["Body"]["text_part"]
    assert until in mail["Body"]["text_part"]
    olena.cancel(booking_id)
    olena.outcome(booking_id)
    eventually(lambda: len(mails_about(stage, booking_id)) == 2, "the second mail does not come")
    assert "Нічого не списано" in mails_about(stage, booking_id)[1]["Body"]["text_part"]
    promises.hold()


@pytest.mark.usefixtures("broken_mail_server")
def test_a_failing_mail_server_fails_no_booking(
    stage: Stage, customer: Callable[[], Customer], seat: str, promises: Promises
) -> None:
    """The booking is confirmed; the event waits in its queue to be tried again."""
    olena = customer()
    booking_id = olena.outcome(olena.book(seat)["booking_id"])["booking_id"]
    assert olena.booking(booking_id)["status"] == "CONFIRMED"
    messages = httpx.get(f"{stage.aws.gateway_url}/_aws/ses", timeout=10).json()["messages"]
    assert not [message for message in messages if booking_id in str(message["Body"])]
    promises.hold()
