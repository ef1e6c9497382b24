"""Days and times as people text them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.parsing.dates import DateNotUnderstood, parse_date, parse_datetime, parse_time

MELBOURNE = ZoneInfo("Australia/Melbourne")
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=MELBOURNE)  # a Wednesday
AU, US, JP = "+61491570006", "+12125550123", "+819012345678"

DAYS = {
    "today": (11, 25), "Tomorrow": (11, 26), "tmrw": (11, 26), "tomoz!": (11, 26),
    "tomorrow 3pm": (11, 26), "day after tomorrow": (11, 27), "in 2 days": (11, 27),
    "Friday": (11, 27), "this friday": (11, 27), "thurs": (11, 26), "tues": (12, 1),
    "next Tuesday": (12, 1), "25 dec": (12, 25), "Dec 25": (12, 25), "25th of December": (12, 25),
    "24/12": (12, 24), "2026-12-24": (12, 24), "the 25th": (11, 25), "the 1st": (12, 1),
    "Fri 4 Dec": (12, 4), "on monday": (11, 30), "tonight at 8": (11, 25),
}  # fmt: skip


@pytest.mark.parametrize("words", DAYS)
def test_a_day_is_the_one_that_is_meant(words):
    month, number = DAYS[words]
    assert parse_date(words, NOW, AU) == date(2026, month, number)


def test_three_four_is_read_by_the_country_of_our_number():
    assert parse_date("3/4", NOW, AU) == date(2027, 4, 3)
    assert parse_date("3/4", NOW, US) == date(2027, 3, 4)
    assert parse_date("3/4/27", NOW, AU) == date(2027, 4, 3)
    assert parse_date("27/3/4", NOW, JP) == date(2027, 3, 4)


def test_a_past_day_is_taken_where_the_words_say_so():
    assert parse_date("3/4/1980", NOW, AU) == date(1980, 4, 3)
    assert parse_date("yesterday", NOW, AU) == date(2026, 11, 24)


CLOCKS = {
    "3pm": (15, 0), "3:30 PM": (15, 30), "3.30pm": (15, 30), "15:30": (15, 30), "0900": (9, 0),
    "noon": (12, 0), "midday": (12, 0), "half past 3": (3, 30), "at 9am": (9, 0), "8 pm.": (20, 0),
}  # fmt: skip


@pytest.mark.parametrize("words", CLOCKS)
def test_a_time_is_the_one_that_is_meant(words):
    assert parse_time(words, NOW) == time(*CLOCKS[words])


def test_a_moment_has_a_day_and_a_time_and_a_time_alone_is_the_next_such():
    assert parse_datetime("tomorrow 3pm", NOW, AU) == datetime(2026, 11, 26, 15, tzinfo=MELBOURNE)
    assert parse_datetime("thurs 9am", NOW, AU) == datetime(2026, 11, 26, 9, tzinfo=MELBOURNE)
    assert parse_datetime("3pm", NOW, AU) == datetime(2026, 11, 25, 15, tzinfo=MELBOURNE)
    assert parse_datetime("9am", NOW, AU) == datetime(2026, 11, 26, 9, tzinfo=MELBOURNE)
    assert parse_datetime("in 2 hours", NOW, AU) == datetime(2026, 11, 25, 12, tzinfo=MELBOURNE)
    assert parse_datetime("24/12 at 18:00", NOW, AU) == datetime(2026, 12, 24, 18, tzinfo=MELBOURNE)


def test_a_moment_is_right_across_a_change_of_clocks():
    # Melbourne's clocks go from 2:00 to 3:00 on 4 October 2026, and back on 5 April 2026.
    before = datetime(2026, 10, 3, 23, 0, tzinfo=MELBOURNE)
    assert parse_datetime("tomorrow 9am", before, AU).astimezone(UTC) == datetime(
        2026, 10, 3, 22, tzinfo=UTC
    )
    assert parse_datetime("in 6 hours", before, AU).hour == 6
    assert parse_datetime("tomorrow 2:30am", before, AU).hour == 3
    autumn = datetime(2026, 4, 4, 23, 0, tzinfo=MELBOURNE)
    assert parse_datetime("in 6 hours", autumn, AU).hour == 4


UNCLEAR = [
    "", "hello", "7", "at 7", "3.5", "I have 3 dogs", "yes", "next week", "may", "2030", "31/11",
    "12/13", "saturday arvo", "friday the 4th", "maybe tomorrow", "😀", "x" * 1_000, "-1", "1e9",
]  # fmt: skip


@pytest.mark.parametrize("words", UNCLEAR)
def test_what_is_unclear_is_not_guessed(words):
    for read in (lambda: parse_date(words, NOW, AU), lambda: parse_datetime(words, NOW, AU)):
        with pytest.raises(DateNotUnderstood):
            read()
    if words != "2030":
        with pytest.raises(DateNotUnderstood):
            parse_time(words, NOW)


def test_a_day_is_no_moment_and_a_time_is_no_day():
    with pytest.raises(DateNotUnderstood):
        parse_datetime("tomorrow", NOW, AU)
    with pytest.raises(DateNotUnderstood):
        parse_date("3pm", NOW, AU)
    with pytest.raises(DateNotUnderstood):
        parse_time("tomorrow", NOW)


@given(st.text(max_size=30))
def test_no_text_raises_anything_else(words):
    for read in (
        lambda: parse_date(words, NOW, AU),
        lambda: parse_datetime(words, NOW, AU),
        lambda: parse_time(words, NOW),
    ):
        with suppress(DateNotUnderstood):
            read()
