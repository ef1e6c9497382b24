"""What goes into a column comes out as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.storage.columns import (
    from_millis,
    key_hash,
    next_status_check,
    raw_bytes,
    storable_text,
    to_millis,
)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=10, minutes=30))])))
def test_a_time_keeps_its_milliseconds(time):
    kept = from_millis(to_millis(time))
    assert timedelta(0) <= time - kept < timedelta(milliseconds=1)
    assert to_millis(kept) == to_millis(time)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(TypeError):
        to_millis(datetime(2026, 1, 1))  # noqa: DTZ001 -- on purpose


@given(st.text(st.characters()))
def test_any_words_can_be_stored_and_are_changed_only_where_they_must(words):
    kept = storable_text(words)
    assert len(kept) == len(words)
    assert "\0" not in kept
    kept.encode()
    assert all(b in {a, "\ufffd"} for a, b in zip(words, kept, strict=True))
    assert storable_text(kept) == kept
    raw_bytes(words)
    assert len(key_hash(words)) == 16


@given(st.integers(0, 2**40), st.integers(0, 8 * 86_400_000))
def test_the_next_question_lies_ahead(since, age):
    later = next_status_check(since, since + age)
    if later is None:
        assert age >= 7 * 86_400_000
    else:
        assert later > since + age
