"""Quiet hours, in every zone at once, on the days when clocks are changed too."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cooee import DefinitionError
from cooee.core.app.quiet_hours import parse_quiet_hours, time_zones_of

NIGHT = parse_quiet_hours(("21:00", "08:00"))
OURS = "+61491570006"
AUSTRALIAN, BRITISH, RUSSIAN = (
    time_zones_of(number, OURS) for number in ("+61491570156", "+447400123456", "+79161234567")
)
SYDNEY = (ZoneInfo("Australia/Sydney"),)


def at(words, zone="UTC"):
    return datetime.fromisoformat(words).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_a_number_may_be_in_several_zones():
    names = {zone.key for zone in AUSTRALIAN}
    assert len(names) == 9
    assert names >= {"Australia/Perth", "Australia/Sydney", "Indian/Christmas"}
    assert [zone.key for zone in BRITISH] == ["Europe/London"]


def test_a_number_without_a_place_has_those_of_ours():
    assert time_zones_of("+888123456789", OURS) == AUSTRALIAN
    assert time_zones_of("INFO", OURS) == AUSTRALIAN
    assert [zone.key for zone in time_zones_of("INFO", "12345")] == ["UTC"]


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-01-15 08:00", "2026-01-15 08:00"),
        ("2026-01-15 12:00", "2026-01-15 12:00"),
        ("2026-01-15 20:59:59", "2026-01-15 20:59:59"),
        ("2026-01-15 21:00", "2026-01-16 08:00"),
        ("2026-01-16 00:00", "2026-01-16 08:00"),
        ("2026-01-16 07:59:59", "2026-01-16 08:00"),
    ],
)
def test_in_one_zone_it_waits_for_the_morning(moment, opens):
    zone = "Australia/Sydney"
    assert NIGHT.next_open(at(moment, zone), SYDNEY) == at(opens, zone)


def test_an_australian_mobile_waits_until_it_is_morning_on_christmas_island_as_well():
    """In January Sydney is at +11, Perth at +8, Christmas at +7, the Cocos islands at +6:30."""
    morning_in_sydney = at("2026-01-15 08:00", "Australia/Sydney")
    opens = NIGHT.next_open(morning_in_sydney, AUSTRALIAN)
    assert opens == at("2026-01-15 08:00", "Indian/Cocos")
    assert opens == at("2026-01-15 12:30", "Australia/Sydney")
    evening = at("2026-01-15 21:00", "Australia/Sydney")
    assert NIGHT.next_open(evening, AUSTRALIAN) == at("2026-01-16 08:00", "Indian/Cocos")
    assert NIGHT.next_quiet(opens, AUSTRALIAN) == evening


def test_where_no_moment_suits_all_it_is_the_first_that_suits_most():
    """Ten hours lie between Bucharest and Kamchatka, and only eight are not quiet."""
    strict = parse_quiet_hours(("18:00", "10:00"))
    began = at("2026-01-15 00:00")
    opens = strict.next_open(began, RUSSIAN)
    still = [zone for zone in RUSSIAN if strict.next_open(opens, [zone]) > opens]
    steps = [began + timedelta(minutes=15 * step) for step in range(96)]
    fewest = min(sum(strict.next_open(one, [zone]) > one for zone in RUSSIAN) for one in steps)
    assert 0 < len(still) == fewest < len(RUSSIAN) / 2


@pytest.mark.parametrize(
    ("hours", "clock", "is_quiet"),
    [
        (("21:00", "08:00"), "23:00", True),
        (("21:00", "08:00"), "12:00", False),
        (("13:00", "15:00"), "14:00", True),
        (("13:00", "15:00"), "15:00", False),
        (("13:00", "15:00"), "02:00", False),
        (("00:00", "08:30"), "08:29", True),
        (("22:00", "00:00"), "23:59", True),
        (("22:00", "00:00"), "00:00", False),
    ],
)
def test_the_hours_may_span_midnight_or_not(hours, clock, is_quiet):
    moment = at(f"2026-01-15 {clock}")
    opens = parse_quiet_hours(hours).next_open(moment, [ZoneInfo("UTC")])
    assert (opens > moment) is is_quiet
    assert not is_quiet or f"{opens:%H:%M}" == hours[1]


# Sydney: on 4 October 2026 at 2:00 it is 3:00; on 5 April at 3:00 it is 2:00 again.


def test_the_morning_comes_by_the_clock_on_the_wall_when_the_clocks_change():
    zone = "Australia/Sydney"
    shorter = NIGHT.next_open(at("2026-10-03 21:00", zone), SYDNEY) - at("2026-10-03 21:00", zone)
    longer = NIGHT.next_open(at("2026-04-04 21:00", zone), SYDNEY) - at("2026-04-04 21:00", zone)
    assert (shorter, longer) == (timedelta(hours=10), timedelta(hours=12))


def test_an_end_in_the_hour_that_comes_twice_is_quiet_twice():
    early = parse_quiet_hours(("21:00", "02:30"))
    zone = ZoneInfo("Australia/Sydney")
    first = datetime(2026, 4, 5, 2, 30, tzinfo=zone).astimezone(UTC)
    again = datetime(2026, 4, 5, 2, 10, tzinfo=zone, fold=1).astimezone(UTC)
    assert early.next_open(first - timedelta(minutes=1), SYDNEY) == first
    assert early.next_open(again, SYDNEY) == first + timedelta(hours=1)


def test_an_end_in_the_hour_that_is_left_out_wakes_nobody():
    early = parse_quiet_hours(("21:00", "02:30"))
    opens = early.next_open(at("2026-10-04 01:00", "Australia/Sydney"), SYDNEY)
    assert f"{opens.astimezone(SYDNEY[0]):%H:%M}" == "03:30"


def test_a_clock_that_is_put_back_begins_the_quiet_hours_again():
    rule = parse_quiet_hours(("03:54", "01:02"))
    opens = rule.next_open(at("2026-10-24 12:00"), BRITISH)
    assert opens == at("2026-10-25 00:02")  # 1:02 on the clock, for the first time
    assert rule.next_quiet(opens, BRITISH) == at("2026-10-25 01:00")  # 2:00 becomes 1:00
    assert rule.next_open(at("2026-10-25 01:00"), BRITISH) == at("2026-10-25 01:02")


hours = st.times().map(lambda one: one.replace(second=0, microsecond=0))
CHANGES = [at("2026-10-03 00:00"), at("2026-04-03 12:00"), at("2026-10-24 00:00")]


@settings(max_examples=150)
@given(
    begins=hours,
    ends=hours,
    began=st.sampled_from(CHANGES),
    minutes=st.integers(0, 3000),
    where=st.sampled_from([SYDNEY, BRITISH, AUSTRALIAN, RUSSIAN]),
)
def test_what_opens_is_quiet_nowhere_unless_it_is_always_somewhere(
    begins, ends, began, minutes, where
):
    if begins == ends:
        return
    rule = parse_quiet_hours((f"{begins:%H:%M}", f"{ends:%H:%M}"))
    moment = began + timedelta(minutes=minutes)
    opens = rule.next_open(moment, where)

    def quiet_in(one):
        clocks = [one.astimezone(zone).time() for zone in where]
        over = begins > ends
        return sum((c >= begins or c < ends) if over else (begins <= c < ends) for c in clocks)

    between = [moment + timedelta(minutes=step) for step in range(0, 1600, 5)]
    assert moment <= opens <= moment + timedelta(days=4)
    assert quiet_in(opens) <= min(quiet_in(one) for one in between)
    left_out = ends.hour in {1, 2}  # an end that a clock leaves out comes later, never earlier
    if quiet_in(opens) == 0:
        assert left_out or all(quiet_in(one) for one in between if one < opens - timedelta(hours=1))
        closes = rule.next_quiet(opens, where)
        inside = [opens + (closes - opens) * part / 8 for part in range(8)]
        assert closes > opens
        assert not any(quiet_in(one) for one in inside)


@pytest.mark.parametrize(
    "hours", [("21:00", "21:00"), ("21", "x"), ("21:00",), (21, 8), "21:00", ("21:00Z", "08:00Z")]
)
def test_hours_that_are_none_are_shown_how(hours):
    with pytest.raises(DefinitionError, match=r'like quiet=\("21:00", "08:00"\)'):
        parse_quiet_hours(hours)
    assert parse_quiet_hours(None) is None
