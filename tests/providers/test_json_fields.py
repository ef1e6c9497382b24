from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from cooee.providers.json_fields import address, count, later, stamp, word
from cooee.testing.fuzz import letters, stamps, values

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=offsets)  # noqa: DTZ001


@given(moments)
def test_a_stamp_with_an_offset_is_that_moment_in_utc(moment):
    read = stamp(moment.isoformat())
    assert read == moment
    assert read.tzinfo is UTC


@given(st.datetimes())
def test_a_stamp_without_an_offset_stays_without(moment):
    assert stamp(moment.isoformat()) == moment
    assert stamp(moment.isoformat()).tzinfo is None


@given(stamps | letters | st.none())
def test_no_stamp_raises(value):
    stamp(value)


@given(values)
def test_a_count_is_a_number_that_time_can_bear_or_nothing(value):
    number = count(value)
    assert number is None or 0 <= number < 10**16
    later(datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1), number)


@given(st.integers(0, 10**14))
def test_a_count_is_read_as_a_string_too(number):
    assert count(number) == count(str(number)) == number


@given(values, letters)
def test_no_member_raises_and_every_one_can_be_stored(value, name):
    for body in (value, {name: value}):
        address(body, name).encode()
        word(body, name).encode("ascii")
