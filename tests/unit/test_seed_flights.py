"""Flights are computed from the real world: airports, great circles, time zones and the calendar."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from leleka.seed import SeedError, compute
from leleka.seed.data import Service, airport, load_fleet, load_schedule
from leleka.seed.items import Item, block_minutes, distance_km, flight_item, next_day

TODAY = date(2026, 11, 23)
SCHEDULE = load_schedule()
FLEET = load_fleet()
ITEMS = compute(TODAY, SCHEDULE, FLEET)
LL701 = SCHEDULE.flights[0]


def flight(day: date, **changes: object) -> Item:
    return flight_item(msgspec.structs.replace(LL701, **changes), "Boeing 737-800", day)


def instant(item: Item, name: str) -> datetime:
    return datetime.fromtimestamp(item[name], UTC)


@pytest.mark.parametrize("service", SCHEDULE.flights, ids=lambda service: service.number)
def test_every_airport_and_time_zone_of_the_schedule_exists(service: Service) -> None:
    """The codes are IATA's and the zones are the tz database's."""
    for code in (service.origin, service.destination):
        assert ZoneInfo(airport(code).tz).key == airport(code).tz


def test_an_airport_that_does_not_exist_is_an_error_that_names_it() -> None:
    """A typing error in the schedule must not become a flight to nowhere."""
    with pytest.raises(SeedError, match="QQQ"):
        flight(date(2027, 6, 15), destination="QQQ")


def test_an_aircraft_that_is_not_in_the_fleet_is_an_error_that_names_it() -> None:
    """A flight without seats could not be sold."""
    with pytest.raises(SeedError, match=r"LL 701.*B738"):
        compute(TODAY, SCHEDULE, {})


def test_kyiv_to_barcelona_is_about_2400_km() -> None:
    """The great circle between the two airports, within two per cent."""
    assert distance_km(airport("KBP"), airport("BCN")) == pytest.approx(2400, rel=0.02)


def test_the_distance_back_is_the_same() -> None:
    """Great circles have no direction."""
    there, back = distance_km(airport("KBP"), airport("LIS")), distance_km(airport("LIS"), airport("KBP"))
    assert there == pytest.approx(back)


@pytest.mark.parametrize(("distance", "minutes"), [(570, 85), (2429, 220), (3372, 295)])
def test_block_times_are_those_of_a_timetable(distance: float, minutes: int) -> None:
    """Lviv-Vienna, Kyiv-Barcelona and Kyiv-Lisbon take what airlines publish, in steps of five minutes."""
    assert block_minutes(distance) == minutes


def test_kbp_bcn_0615_is_what_the_services_read() -> None:
    """Every attribute: instants in epoch seconds, local texts on each airport's own clock."""
    [found] = [item for item in ITEMS.flights if item["flight_id"] == "KBP-BCN-0615"]
    assert found == {
        "flight_id": "KBP-BCN-0615",
        "route": "KBP-BCN",
        "number": "LL 701",
        "origin": "KBP",
        "destination": "BCN",
        "departs_at_s": int(datetime(2027, 6, 15, 7, 40, tzinfo=UTC).timestamp()),
        "arrives_at_s": int(datetime(2027, 6, 15, 11, 20, tzinfo=UTC).timestamp()),
        "departs_local": "2027-06-15T10:40",
        "arrives_local": "2027-06-15T13:20",
        "aircraft": "Boeing 737-800",
        "distance_km": 2429,
    }


def test_every_flight_arrives_after_it_departs_at_a_believable_speed() -> None:
    """Also where the destination's clock is behind: instants are compared, not clocks."""
    for item in ITEMS.flights:
        hours = (item["arrives_at_s"] - item["departs_at_s"]) / 3600
        assert hours > 0
        assert 300 < item["distance_km"] / hours < 850, item["flight_id"]


def test_a_night_flight_arrives_on_the_next_local_day() -> None:
    """Lisbon to Kyiv: two zones east, past midnight."""
    [night] = [item for item in ITEMS.flights if item["flight_id"].startswith("LIS-KBP")]
    assert (night["departs_local"][8:10], night["arrives_local"][8:10]) == ("20", "21")


@pytest.mark.parametrize(
    ("day", "departs_utc_hour"),
    [(date(2027, 3, 27), 8), (date(2027, 3, 28), 7), (date(2027, 10, 30), 7), (date(2027, 10, 31), 8)],
)
def test_the_wall_clock_stands_when_the_clocks_change(day: date, departs_utc_hour: int) -> None:
    """10:40 in Kyiv is another instant in summer than in winter, and 10:40 all the same."""
    found = flight(day)
    assert found["departs_local"] == f"{day}T10:40"
    assert instant(found, "departs_at_s").hour == departs_utc_hour


def test_a_flight_over_the_change_of_the_clocks_takes_no_longer() -> None:
    """The clocks go back while it flies; the time in the air is counted in instants."""
    over = flight(date(2027, 10, 31), departs="02:10")
    usual = flight(date(2027, 10, 29), departs="02:10")
    assert over["arrives_at_s"] - over["departs_at_s"] == usual["arrives_at_s"] - usual["departs_at_s"]
    assert over["arrives_local"] != usual["arrives_local"].replace("29T", "31T")


def test_an_hour_that_the_clocks_skip_is_shown_as_the_hour_that_exists() -> None:
    """03:30 does not exist in Kyiv on 28 March 2027; text and instant agree on 04:30."""
    skipped = flight(date(2027, 3, 28), departs="03:30")
    assert skipped["departs_local"] == "2027-03-28T04:30"
    assert instant(skipped, "departs_at_s") == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2027, 6, 12), date(2027, 6, 15)),
        (date(2027, 6, 13), date(2027, 6, 15)),
        (date(2027, 6, 14), date(2028, 6, 15)),
        (date(2027, 6, 15), date(2028, 6, 15)),
        (date(2027, 12, 31), date(2028, 6, 15)),
    ],
)
def test_a_flight_stands_for_the_next_such_day_at_least_two_days_away(today: date, expected: date) -> None:
    """So KBP-BCN-0615 can always be booked, and moves to the next year before its sale closes."""
    assert next_day("0615", today) == expected


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 11, 23), date(2028, 2, 29)),
        (date(2028, 2, 27), date(2028, 2, 29)),
        (date(2028, 2, 28), date(2032, 2, 29)),
        (date(2097, 1, 1), date(2104, 2, 29)),
    ],
)
def test_29_february_waits_for_a_leap_year(today: date, expected: date) -> None:
    """Eight years at most: 2100 is none."""
    assert next_day("0229", today) == expected


def test_a_day_that_no_year_has_is_an_error() -> None:
    """31 April is a typing error, not a flight."""
    with pytest.raises(SeedError, match="0431"):
        next_day("0431", TODAY)


def test_the_same_day_gives_the_same_items() -> None:
    """Seeding is repeatable: nothing but ``today`` and the files goes in."""
    assert compute(TODAY, load_schedule(), load_fleet()) == ITEMS


def test_every_flight_has_seats_a_quota_and_a_fare_for_each_of_its_cabins() -> None:
    """A flight that lacks one of them would be refused in the middle of its saga."""
    ids = [item["flight_id"] for item in ITEMS.flights]
    assert len(set(ids)) == len(ids)
    assert [item["flight_id"] for item in ITEMS.quotas] == ids
    fares = {(item["flight_id"], item["cabin"]) for item in ITEMS.fares}
    assert fares == {(item["flight_id"], item["cabin"]) for item in ITEMS.seats}


def test_the_fares_of_kbp_bcn_0615_are_in_cents_of_a_euro() -> None:
    """Seat and bag of the story: 54.90 and 25.00."""
    [fare] = [item for item in ITEMS.fares if (item["flight_id"], item["cabin"]) == ("KBP-BCN-0615", "economy")]
    assert fare == {
        "flight_id": "KBP-BCN-0615",
        "cabin": "economy",
        "currency": "EUR",
        "seat_minor": 5490,
        "exit_row_seat_minor": 7490,
        "bag_minor": 2500,
    }


def test_a_malformed_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Whoever edits the schedule learns which file and what is wrong."""
    (tmp_path / "schedule.json").write_text('{"note": "", "currency": "euro", "flights": []}')
    with pytest.raises(SeedError, match=r"schedule\.json.*currency"):
        load_schedule(tmp_path)
