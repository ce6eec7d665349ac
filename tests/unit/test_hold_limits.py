"""At most nine holds for a customer and for a source, a cooldown for a seat, and nothing that a crash could leave."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from chalicelib.booking import hold_limits, logic
from chalicelib.booking.hold_limits import holders_of
from chalicelib.booking.models import Booking, FlagBookingCommand
from chalicelib.booking.placing_store import PlacingStore
from chalicelib.shared import errors
from chalicelib.shared.errors import (
    IdempotencyKeyReused,
    SeatCoolingDown,
    StoreBusy,
    TooManyAttempts,
    TooManyHolds,
    TooManyHoldsFromSource,
    TryLater,
)
from tests.fakes import FakeClock
from tests.unit.placing_world import COOLDOWN_S, COUNTS_S, GRACE_S, LIMITS, TTL_S, PlacingWorld

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OLENA, SOURCE = "olena@example.com", "203.0.113.7"


@pytest.fixture
def world(dynamodb: "DynamoDBClient", clock: FakeClock) -> PlacingWorld:
    """Nobody holds anything."""
    return PlacingWorld(dynamodb, clock)


@contextmanager
def calls(world: PlacingWorld) -> Iterator[list[str]]:
    """The requests that DynamoDB gets meanwhile."""
    seen: list[str] = []

    def note(model: Any, **_: Any) -> None:
        seen.append(model.name)

    world.client.meta.events.register("before-call.dynamodb", note)
    yield seen
    world.client.meta.events.unregister("before-call.dynamodb", note)


# --- nine at a time ---


@pytest.mark.parametrize(
    ("who", "error"), [({"email": OLENA}, TooManyHolds), ({"source": SOURCE}, TooManyHoldsFromSource)]
)
def test_the_tenth_hold_is_refused_and_nothing_of_it_is_kept(
    world: PlacingWorld, who: dict[str, str], error: type[TryLater]
) -> None:
    """Of one customer from ten addresses, and of ten customers at one address. Another customer goes on."""
    for _ in range(9):
        world.ask(**who)
    before = world.everything()
    with pytest.raises(error) as refused:
        world.ask(**who)
    assert type(refused.value) is error
    assert world.everything() == before
    world.ask()


@pytest.mark.parametrize("end", [PlacingWorld.confirm, PlacingWorld.cancel])
def test_a_booking_that_ends_makes_room_at_once(world: PlacingWorld, end: Callable[..., None]) -> None:
    """With the very write that ends it, for the customer and for the source; no more than one."""
    held = [world.ask(email=OLENA, source=SOURCE) for _ in range(9)]
    end(world, held[4])
    world.ask(email=OLENA, source=SOURCE)
    with pytest.raises(TooManyHolds):
        world.ask(email=OLENA, source=SOURCE)


def test_a_hold_counts_until_its_time_is_over_whatever_happens(world: PlacingWorld, clock: FakeClock) -> None:
    """Nobody ever ends these bookings. To the second."""
    for _ in range(9):
        world.ask(email=OLENA)
    clock.advance(COUNTS_S - 1)
    with pytest.raises(TooManyHolds) as refused:
        world.ask(email=OLENA)
    assert refused.value.retry_after_s == 1
    clock.advance(1)
    world.ask(email=OLENA)


def test_a_long_cooldown_makes_no_hold_count_longer(world: PlacingWorld, clock: FakeClock) -> None:
    """It is kept for its seat, and counts for its own time only."""
    world.limits = msgspec.structs.replace(LIMITS, cooldown_s=10 * COUNTS_S)
    for _ in range(9):
        world.ask(email=OLENA)
    clock.advance(COUNTS_S)
    world.ask(email=OLENA)


def test_a_booking_that_needs_attention_counts_until_its_time_is_over(world: PlacingWorld, clock: FakeClock) -> None:
    """Its seat may still be held."""
    held = [world.ask(email=OLENA) for _ in range(9)]
    world.cancel(held[0])
    logic.flag_booking(FlagBookingCommand(held[0].booking_id, {"ReleaseSeat": "StoreBusy"}), world.store)
    with pytest.raises(TooManyHolds):
        world.ask(email=OLENA)
    clock.advance(COUNTS_S)
    world.ask(email=OLENA)


def test_who_is_refused_is_told_when_the_next_hold_ends(world: PlacingWorld, clock: FakeClock) -> None:
    """The end that the booking itself tells, or else the usual time of a hold."""
    held = [world.ask(email=OLENA) for _ in range(9)]
    with pytest.raises(TooManyHolds) as refused:
        world.ask(email=OLENA)
    assert refused.value.retry_after_s == TTL_S
    world.wait_for_payment(held[3], until_s=clock() + 77)
    with pytest.raises(TooManyHolds) as refused:
        world.ask(email=OLENA)
    assert refused.value.retry_after_s == 77
    assert str(refused.value).endswith("ask again in 77 s")


def at_once(world: PlacingWorld, ask: Callable[[], Booking], times: int) -> Counter[str]:
    """How so many real threads end, each of whose calls is atomic as DynamoDB's are."""
    one_at_a_time = threading.Lock()
    call = world.client._make_api_call  # type: ignore[attr-defined]  # botocore's one way to the service

    def atomic(operation: str, parameters: Any) -> Any:
        with one_at_a_time:
            return call(operation, parameters)

    world.client._make_api_call = atomic  # type: ignore[attr-defined]  # as above
    together = threading.Barrier(times)

    def end(_: int) -> str:
        together.wait()
        try:
            return ask().record_locator
        except TryLater as refused:
            return type(refused).__name__

    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(end, range(times)))


def test_of_many_at_once_nine_get_through(world: PlacingWorld) -> None:
    """The others are refused, and none is left out."""
    ends = at_once(world, lambda: world.ask(source=SOURCE), 30)
    assert ends.pop("TooManyHoldsFromSource") == 21
    assert set(ends.values()) == {1}
    assert set(world.claims("source")) == {row["booking_id"] for row in world.rows("bookings")}
    assert len(world.claims("source")) == 9


def test_one_request_that_comes_many_times_at_once_claims_once(world: PlacingWorld, clock: FakeClock) -> None:
    """Also when its first claims are over."""

    def ask() -> Booking:
        return world.ask("1A", email=OLENA, source=SOURCE, booking_id="bk-1")

    first = at_once(world, ask, 10)
    clock.advance(COUNTS_S)
    assert at_once(world, ask, 10) == first
    assert len(first) == 1
    assert world.claims("customer") == world.claims("source") == {"bk-1": {"seat": "KBP-BCN-0615#1A", "at_s": clock()}}


# --- the same request again ---


def test_the_same_request_again_is_never_refused_and_claims_nothing(world: PlacingWorld) -> None:
    """Its customer holds nine by now."""
    first = world.ask("1A", email=OLENA, source=SOURCE, booking_id="bk-first")
    for _ in range(8):
        world.ask(email=OLENA, source=SOURCE)
    before = world.everything()
    again = world.ask("1A", email=OLENA, source=SOURCE, booking_id="bk-first")
    assert (again, world.everything()) == (first, before)


def test_a_request_whose_twin_gets_through_in_the_moment_of_its_refusal_is_not_refused(
    world: PlacingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that nothing was kept of a booking that there is."""
    held = [world.ask(email=OLENA) for _ in range(9)]
    twins: list[Booking] = []
    look = PlacingStore.look

    def look_and_be_overtaken(store: PlacingStore, booking_ids: list[str]) -> Any:
        seen = look(store, booking_ids)
        monkeypatch.undo()
        world.cancel(held[0])
        twins.append(world.ask("12A", email=OLENA, booking_id="bk-tenth"))
        return seen

    monkeypatch.setattr(PlacingStore, "look", look_and_be_overtaken)
    assert [world.ask("12A", email=OLENA, booking_id="bk-tenth")] == twins


def test_a_refused_request_may_be_sent_again_with_the_same_key(world: PlacingWorld) -> None:
    """Nothing was kept under it, so it is as good as a new one."""
    held = [world.ask(email=OLENA) for _ in range(9)]
    with pytest.raises(TooManyHolds):
        world.ask("12A", email=OLENA, booking_id="bk-tenth")
    world.cancel(held[0])
    assert world.ask("12A", email=OLENA, booking_id="bk-tenth").booking_id == "bk-tenth"


def test_another_request_with_the_same_key_claims_nothing(world: PlacingWorld, clock: FakeClock) -> None:
    """Neither soon nor when the first one's saga should long have begun."""
    world.ask("1A", email=OLENA, booking_id="bk-1")
    before = world.everything()
    for _ in range(2):
        with pytest.raises(IdempotencyKeyReused):
            world.ask("1B", email="taras@example.com", booking_id="bk-1", request_hash="another")
        clock.advance(GRACE_S + 1)
    assert world.everything() == before


# --- one seat ---


@pytest.mark.parametrize(
    ("holds_s", "asks_s", "left_s"),
    [
        ([0], TTL_S - 1, None),
        ([0], TTL_S, COOLDOWN_S),
        ([0], TTL_S + COOLDOWN_S - 1, 1),
        ([0], TTL_S + COOLDOWN_S, None),
        ([0, TTL_S - 1], TTL_S, TTL_S - 1 + COOLDOWN_S),
        ([0, TTL_S - 1], 2 * TTL_S + COOLDOWN_S - 2, 1),
        ([0, TTL_S - 1], 2 * TTL_S + COOLDOWN_S - 1, None),
        ([0, 10, 20], 2 * TTL_S, 20),
        ([0, TTL_S + COOLDOWN_S], 2 * TTL_S + COOLDOWN_S - 1, None),
        ([0, TTL_S + COOLDOWN_S], 2 * TTL_S + COOLDOWN_S, COOLDOWN_S),
    ],
)
@pytest.mark.parametrize("who", [{"email": OLENA}, {"source": SOURCE}])
def test_a_seat_may_be_held_again_for_the_time_of_one_hold_and_then_not_for_a_while(
    world: PlacingWorld, clock: FakeClock, who: dict[str, str], holds_s: list[int], asks_s: int, left_s: int | None
) -> None:
    """Each hold is given up at once. The while begins when the last of them would have ended, so holding again in the
    last second wins no time. For the customer and for the source; others may have the seat at any time."""
    begin_s = clock()
    for at_s in holds_s:
        clock.now_s = begin_s + at_s
        world.cancel(world.ask("12A", **who), "CancelledByCustomer")
    clock.now_s = begin_s + asks_s
    if left_s is None:
        world.ask("12A", **who)
    else:
        with pytest.raises(SeatCoolingDown) as refused:
            world.ask("12A", **who)
        assert refused.value.retry_after_s == left_s
        world.ask("12B", **who)
        world.ask("12A")


@pytest.mark.parametrize("reason", ["SeatTaken", "FlightDeparted"])
def test_who_never_got_the_seat_may_ask_for_it_again(world: PlacingWorld, clock: FakeClock, reason: str) -> None:
    """It was another's then, and becomes free when that one does not pay."""
    world.cancel(world.ask("12A", email=OLENA), reason)
    clock.advance(TTL_S)
    world.ask("12A", email=OLENA)


def test_a_seat_that_was_paid_for_begins_anew(world: PlacingWorld, clock: FakeClock) -> None:
    """A declined card, a good one, cancelled for other reasons, and wanted again after all."""
    world.cancel(world.ask("12A", email=OLENA), "CardDeclined")
    clock.advance(60)
    bought = world.ask("12A", email=OLENA)
    world.confirm(bought)
    world.cancel(bought, "CancelledByCustomer")
    clock.advance(TTL_S)
    world.ask("12A", email=OLENA)


def test_who_lets_go_of_seat_after_seat_has_to_wait(
    world: PlacingWorld, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However quickly each is given back: so a row stays small, and one read looks at all its bookings. Seats that were
    bought don't count."""
    assert hold_limits.CLAIMS_MAX <= 100
    monkeypatch.setattr(hold_limits, "CLAIMS_MAX", 12)
    for number in range(12):
        if number % 4 == 0:
            world.confirm(world.ask(source=SOURCE))
        world.cancel(world.ask(source=SOURCE), "CancelledByCustomer")
        clock.advance(1)
    with pytest.raises(TooManyAttempts) as refused:
        world.ask(source=SOURCE)
    assert refused.value.retry_after_s == LIMITS.keep_s - 12
    assert len(world.claims("source")) == 12
    clock.advance(refused.value.retry_after_s)
    world.ask(source=SOURCE)


# --- crashes, and others in the way ---


@pytest.mark.parametrize("when", ["before-call", "after-call"])
def test_a_function_that_dies_leaves_both_booking_and_claims_or_neither(world: PlacingWorld, when: str) -> None:
    """And the same request again is one booking with one claim each."""

    def die(**_: Any) -> None:
        raise KeyboardInterrupt

    world.client.meta.events.register(f"{when}.dynamodb", die)
    with pytest.raises(KeyboardInterrupt):
        world.ask("1A", email=OLENA, source=SOURCE, booking_id="bk-1")
    world.client.meta.events.unregister(f"{when}.dynamodb", die)
    counts = {table: len(rows) for table, rows in world.everything().items()}
    assert counts in (
        {"bookings": 1, "locators": 1, "hold-limits": 2},
        {"bookings": 0, "locators": 0, "hold-limits": 0},
    )
    assert bool(counts["bookings"]) == (when == "after-call")
    world.ask("1A", email=OLENA, source=SOURCE, booking_id="bk-1")
    assert set(world.claims("customer")) == set(world.claims("source")) == {"bk-1"}


def conflicting(world: PlacingWorld, times: int) -> None:
    """So many transactions are in another's way."""
    reasons = [{"Code": "None"}, {"Code": "None"}, {"Code": "None"}, {"Code": "TransactionConflict"}]
    left = [times]

    def conflict(**_: Any) -> None:
        if left[0]:
            left[0] -= 1
            answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(answer, "TransactWriteItems")

    world.client.meta.events.register("before-call.dynamodb.TransactWriteItems", conflict)


def test_a_conflict_is_no_refusal(world: PlacingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again; so often only, and then nothing was kept and the request may be repeated."""
    monkeypatch.setattr("chalicelib.booking.placing.time.sleep", lambda _: None)
    conflicting(world, 3)
    world.ask()
    before = world.everything()
    conflicting(world, 1000)
    with pytest.raises(StoreBusy):
        world.ask()
    assert world.everything() == before


# --- a request whose saga never began ---


def test_a_request_whose_saga_never_began_claims_again_when_it_is_sent_again(
    world: PlacingWorld, clock: FakeClock
) -> None:
    """Or requests could be collected, and begun together when their claims are over."""
    first = world.ask("1A", email=OLENA, source=SOURCE, booking_id="bk-1")
    clock.advance(GRACE_S + 1)
    again = world.ask("1A", email=OLENA, source=SOURCE, booking_id="bk-1")
    assert again == first
    assert {claim["at_s"] for claim in world.claims("source").values()} == {clock()}
    clock.advance(COUNTS_S)
    for _ in range(9):
        world.ask(source=SOURCE)
    with pytest.raises(TooManyHoldsFromSource):
        world.ask("1A", email=OLENA, source=SOURCE, booking_id="bk-1")


def test_a_request_whose_saga_has_begun_claims_nothing_more(world: PlacingWorld, clock: FakeClock) -> None:
    """However late it is sent again."""
    first = world.ask("1A", email=OLENA, booking_id="bk-1")
    logic.create_booking("bk-1", world.store)
    clock.advance(COUNTS_S)
    for _ in range(9):
        world.ask(email=OLENA)
    before = world.everything()
    assert world.ask("1A", email=OLENA, booking_id="bk-1").record_locator == first.record_locator
    assert world.everything() == before


# --- what it costs, and what it keeps ---


def test_the_limits_cost_a_new_customer_no_request_to_dynamodb(world: PlacingWorld) -> None:
    """One transaction, as it would be without them; two for somebody known. Only who is refused is looked at."""
    with calls(world) as first:
        world.ask("1A", email=OLENA, source=SOURCE)
    with calls(world) as second:
        world.ask("1B", email=OLENA, source=SOURCE)
    assert (first, second) == (["TransactWriteItems"], ["TransactWriteItems"] * 2)
    for _ in range(7):
        world.ask(email=OLENA)
    with calls(world) as refused, pytest.raises(TooManyHolds):
        world.ask(email=OLENA)
    assert refused == ["TransactWriteItems", "BatchGetItem", "GetItem"]


def test_neither_address_is_kept(world: PlacingWorld) -> None:
    """The rows are named by hashes."""
    world.ask(email=OLENA, source=SOURCE)
    rows = repr(world.rows("hold-limits"))
    assert OLENA not in rows
    assert SOURCE not in rows
    assert all(len(row["holder"].partition("#")[2]) == 64 for row in world.rows("hold-limits"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("Olena@Example.com ", "1.2.3.4"), ("olena@example.com", "1.2.3.4"), (True, True)),
        (("a@example.com", "1.2.3.4"), ("b@example.com", "1.2.3.5"), (False, False)),
        (("a@b.c", "2001:db8:1:2::1"), ("a@b.c", "2001:db8:1:2:ffff::9"), (True, True)),
        (("a@b.c", "2001:db8:1:2::1"), ("a@b.c", "2001:db8:1:3::1"), (True, False)),
        (("a@b.c", "::ffff:1.2.3.4"), ("a@b.c", "1.2.3.4"), (True, True)),
        (("a@b.c", "test-invoke-source-ip"), ("a@b.c", "1.2.3.4"), (True, False)),
        (("1.2.3.4", "1.2.3.4"), ("1.2.3.4", "1.2.3.4"), (True, True)),
    ],
)
def test_who_is_the_same_holder(one: tuple[str, str], other: tuple[str, str], same: tuple[bool, bool]) -> None:
    """Letters of any size; IPv4 however it is written; of IPv6 the network, since a customer has all of it."""
    found = zip(holders_of(*one, LIMITS), holders_of(*other, LIMITS), strict=True)
    assert tuple(left.key == right.key for left, right in found) == same
    assert len({holder.key.partition("#")[2] for holder in holders_of(*one, LIMITS)}) == 2


@pytest.mark.parametrize("kind", [SeatCoolingDown, TooManyAttempts, TooManyHolds, TooManyHoldsFromSource])
def test_when_to_ask_again_survives_the_way_through_lambda(kind: type[TryLater]) -> None:
    """Which hands on a class name and a message."""
    raised = kind("nothing was kept;", 843)
    assert getattr(errors, type(raised).__name__)(str(raised)).retry_after_s == 843
    assert kind("a message without a time").retry_after_s == 60
