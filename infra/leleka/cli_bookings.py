"""Commands of a customer: book, pay, cancel, watch."""

import time
import uuid
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from leleka import bookings_here, cards, journey, stages_here
from leleka.api_client import ApiClient, ApiProblem
from leleka.api_types import Booking, BookingRequest, Claim, Language, PlacedBooking
from leleka.bookings_here import BookingsHereError
from leleka.cli_options import AsJson, CardOption, PaymentMethod, Ref, Secret, StageName, Timeout
from leleka.follow import SagaNotFound
from leleka.journey import Ending, Journey
from leleka.stage import LOCAL, Stage
from leleka.terminal import EXIT_FAILED, one_line_errors, print_json, say, stdout

_EARLY_S = 15.0
_EARLY_POLL_S = 0.3


@one_line_errors
def book(  # noqa: PLR0913, PLR0917 - options of a command
    flight: Annotated[str, typer.Argument(help="Flight id, such as KBP-BCN-0615.")],
    seat: Annotated[str, typer.Argument(help="Seat, such as 12A.")],
    name: Annotated[str, typer.Option(help="Who flies.")],
    email: Annotated[str, typer.Option(help="Where the tickets go.")],
    bags: Annotated[int, typer.Option(min=0, max=5, help="Bags to check in.")] = 0,
    language: Annotated[Language, typer.Option(help="The language of the mails.")] = Language.ENGLISH,
    card: CardOption = None,
    payment_method: PaymentMethod = None,
    key: Annotated[str | None, typer.Option(help="Idempotency-Key: the same key is the same booking.")] = None,
    no_watch: Annotated[bool, typer.Option("--no-watch", help="Ask for the seat and return at once.")] = False,
    timeout: Timeout = 120.0,
    stage: StageName = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Book a seat and watch its saga. Without a card the seat is held until `leleka pay`, or until its time is over."""
    request = BookingRequest(flight, seat, name, email, bags, cards.chosen(card, payment_method), language)
    key = key or str(uuid.uuid4())
    found = stages_here.load(stage)
    say(f"Idempotency-Key {key}", style="dim")
    with ApiClient(found.api_url) as api:
        booking = api.book(request, key)
        kept = _keep(stage, booking)
        if not as_json:
            _tell(stdout(), stage, booking, kept=kept, paid=request.payment_method is not None)
        if not no_watch:
            claim = Claim(booking.booking_id, booking.secret)
            ending = _journey(found, api, claim, booking.booking_id, timeout, as_json).watch()
            _show(ending, as_json, {"idempotency_key": key, "secret": booking.secret})
            _exit_unless(ending.confirmed)
        elif as_json:
            shown = msgspec.to_builtins(booking)
            print_json({"idempotency_key": key, "secret": shown.pop("secret"), "booking": shown})
        else:
            stdout().print(f"{booking.status} {booking.booking_id}", soft_wrap=True)


@one_line_errors
def pay(
    ref: Ref,
    card: CardOption = None,
    payment_method: PaymentMethod = None,
    secret: Secret = None,
    timeout: Timeout = 120.0,
    stage: StageName = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Pay for a held seat and watch its saga. Paying twice is paying once."""
    method = cards.chosen(card, payment_method)
    if method is None:
        raise typer.BadParameter("say how to pay: --card or --payment-method")
    found = stages_here.load(stage)
    claim = bookings_here.claim(stage, ref, secret)
    with ApiClient(found.api_url) as api:
        booking = _pay(api, claim, method)
        ending = _journey(found, api, claim, booking.booking_id, timeout, as_json).watch()
    _show(ending, as_json)
    _exit_unless(ending.confirmed)


@one_line_errors
def cancel(
    ref: Ref,
    secret: Secret = None,
    timeout: Timeout = 120.0,
    stage: StageName = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Cancel a booking and watch it being undone: the money, the bags, the seat. Exit code 0 if it is cancelled."""
    found = stages_here.load(stage)
    claim = bookings_here.claim(stage, ref, secret)
    with ApiClient(found.api_url) as api:
        before = api.cancel(claim)
        following = _journey(found, api, claim, before.booking_id, timeout, as_json)
        ending = following.watch_cancellation() if before.status == "CONFIRMED" else _whole(following)
    _show(ending, as_json)
    _exit_unless(ending.booking.status == "CANCELLED")


@one_line_errors
def watch(
    ref: Ref,
    secret: Secret = None,
    timeout: Timeout = 120.0,
    stage: StageName = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Watch the saga of a booking, from its beginning to its end, and its cancellation if there was one."""
    found = stages_here.load(stage)
    claim = bookings_here.claim(stage, ref, secret)
    with ApiClient(found.api_url) as api:
        booking = api.booking(claim)
        ending = _whole(_journey(found, api, claim, booking.booking_id, timeout, as_json))
    _show(ending, as_json)
    _exit_unless(ending.confirmed)


def _whole(following: Journey) -> Ending:
    """The saga, then the cancellation of what it booked, if anybody asked for one."""
    ending = following.watch()
    if ending.timeline.error:
        return ending
    try:
        return following.watch_cancellation()
    except SagaNotFound:
        return ending


def _pay(api: ApiClient, claim: Claim, payment_method: str) -> Booking:
    """Right after booking, the saga may not have come to the wait yet: then it is asked again for a moment."""
    until_s = time.monotonic() + _EARLY_S
    while True:
        try:
            return api.pay(claim, payment_method)
        except ApiProblem as early:
            if early.type != "booking-in-progress" or time.monotonic() > until_s:
                raise
            if api.booking(claim).status not in {"REQUESTED", "PENDING"}:
                raise
        time.sleep(_EARLY_POLL_S)


def _journey(stage: Stage, api: ApiClient, claim: Claim, booking_id: str, timeout_s: float, as_json: bool) -> Journey:
    return Journey(stage, api, claim, booking_id, timeout_s, None if as_json else stdout())


def _keep(stage: str, booking: PlacedBooking) -> bool:
    try:
        bookings_here.remember(stage, booking.booking_id, booking.record_locator, booking.secret)
    except BookingsHereError as error:
        say(f"keep the secret yourself: {error}", style="yellow")
        return False
    return True


def _tell(console: Console, stage: str, booking: PlacedBooking, *, kept: bool, paid: bool) -> None:
    console.print(
        f"record locator {booking.record_locator}\nbooking id {booking.booking_id}\nsecret {booking.secret}",
        soft_wrap=True,
    )
    if not paid:
        options = ("" if stage == LOCAL else f" --stage {stage}") + ("" if kept else f" --secret {booking.secret}")
        console.print(f"pay with: leleka pay {booking.record_locator} --card approved{options}", soft_wrap=True)


def _show(ending: Ending, as_json: bool, extra: dict[str, Any] | None = None) -> None:
    if as_json:
        print_json({**(extra or {}), **journey.as_document(ending)})
    else:
        style = "bold green" if ending.confirmed else "bold"
        stdout().print(journey.summary(ending), style=style, soft_wrap=True)


def _exit_unless(as_wished: bool) -> None:
    if not as_wished:
        raise typer.Exit(EXIT_FAILED)
