from __future__ import annotations

import math
from datetime import timedelta
from itertools import count, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.backoff import Backoff, send_backoff, turn_backoff

DAY = timedelta(days=1)


def test_a_turn_is_tried_five_times_and_then_set_aside() -> None:
    assert [turn_backoff(attempt) for attempt in range(1, 7)] == [
        timedelta(seconds=1),
        timedelta(seconds=5),
        timedelta(seconds=30),
        timedelta(minutes=2),
        None,
        None,
    ]


def pauses(retry_after: float | None = None) -> list[timedelta]:
    """Every pause between the attempts at one text."""
    each = (send_backoff(attempt, retry_after) for attempt in count(1))
    return [pause for pause in takewhile(lambda pause: pause is not None, each) if pause]


def test_sends_are_tried_at_doubling_pauses_up_to_five_minutes() -> None:
    seconds = [pause.total_seconds() for pause in pauses()]
    assert seconds[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(seconds[9:]) == {300}


def test_a_send_is_given_up_after_a_day_and_not_before() -> None:
    total = sum(pauses(), timedelta())
    assert DAY <= total <= DAY + timedelta(minutes=5)


@given(st.integers(1, 10**9), st.none() | st.floats() | st.integers(-10, 10**6))
def test_what_the_provider_asks_for_is_waited_at_least(attempt: int, asked: float | None) -> None:
    pause, own = send_backoff(attempt, asked), send_backoff(attempt)
    assert (pause is None) == (own is None)
    if pause is not None and own is not None:
        assert pause >= own
        assert pause <= DAY
        if asked is not None and 0 < asked <= DAY.total_seconds():
            assert pause.total_seconds() >= asked - 1e-6


@given(st.integers(1, 400))
def test_pauses_never_shrink_and_never_come_back(attempt: int) -> None:
    pause, following = send_backoff(attempt), send_backoff(attempt + 1)
    if pause is None:
        assert following is None
    elif following is not None:
        assert following >= pause


@pytest.mark.parametrize("asked", [0, -5, math.nan, -math.inf, None])
def test_nonsense_from_a_provider_changes_nothing(asked: float | None) -> None:
    assert send_backoff(3, asked) == timedelta(seconds=4)


def test_a_provider_that_asks_for_ever_is_asked_again_tomorrow() -> None:
    assert send_backoff(1, math.inf) == DAY
    assert send_backoff(1, 600) == timedelta(minutes=10)


@given(st.floats(0.01, 10), st.floats(0.01, 1000), st.integers(1, 100))
def test_doubling_pauses_reach_the_longest_and_stay(
    first: float, longest: float, attempt: int
) -> None:
    backoff = Backoff.doubling(first, longest)
    pause, following = backoff.pause_s(attempt), backoff.pause_s(attempt + 1)
    assert backoff.pause_s(1) == min(first, longest)
    assert following == min(pause * 2, longest)
    assert backoff.total_s(attempt + 1) == pytest.approx(backoff.total_s(attempt) + pause)
