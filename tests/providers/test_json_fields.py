from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from cooee.providers.json_fields import (
    add_durations,
    get_address,
    get_ascii_word,
    parse_int,
    parse_timestamp,
)
from cooee.testing.fuzz import any_json, any_text, any_timestamp

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=offsets)  # noqa: DTZ001


@given(moments)
def test_a_stamp_with_an_offset_is_that_moment_in_utc(moment):
    read = parse_timestamp(moment.isoformat())
    assert read == moment
    assert read.tzinfo is UTC


@given(st.datetimes())
def test_a_stamp_without_an_offset_stays_without(moment):
    assert parse_timestamp(moment.isoformat()) == moment
    assert parse_timestamp(moment.isoformat()).tzinfo is None


@given(any_timestamp | any_text | st.none())
def test_no_stamp_raises(value):
    parse_timestamp(value)


@given(any_json)
def test_a_count_is_a_number_that_time_can_bear_or_nothing(value):
    number = parse_int(value)
    assert number is None or 0 <= number < 10**16
    add_durations(datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1), number)


@given(st.integers(0, 10**14))
def test_a_count_is_read_as_a_string_too(number):
    assert parse_int(number) == parse_int(str(number)) == number


@given(any_json, any_text)
def test_no_member_raises_and_every_one_can_be_stored(value, name):
    for body in (value, {name: value}):
        get_address(body, name).encode()
        get_ascii_word(body, name).encode("ascii")
