"""The sends under way at once follow the provider's answers, by a stated rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    TemporaryFailure,
    Unauthorized,
)
from cooee.runtime.outbound.concurrency import ConcurrencyLimit

REFUSALS = [
    TemporaryFailure("slow down", status=429),
    TemporaryFailure("broken", status=503),
    TemporaryFailure("no connection"),
    OutcomeUnknown("no answer in time"),
]
OTHERS = [
    PermanentFailure("no such number", status=400),
    PermanentFailure("broken for good", status=500),
    OptedOut("no more"),
    Unauthorized("who are you?", status=401),
    TemporaryFailure("log in later", status=401),
]


def play_round(limit, failure=None):
    """Begin all that may begin, and end it."""
    tickets = [limit.begin() for _ in range(limit.free)]
    for ticket in tickets:
        limit.learn(ticket, failure)
    for _ in tickets:
        limit.free_place()
    return len(tickets)


def test_it_begins_at_sixteen_and_doubles_with_each_round_up_to_the_most():
    limit = ConcurrencyLimit(100)
    assert [play_round(limit) for _ in range(5)] == [16, 32, 64, 100, 100]


@pytest.mark.parametrize("failure", REFUSALS, ids=str)
def test_a_refusal_halves_it_once_for_all_that_were_under_way(failure):
    limit = ConcurrencyLimit(64)
    assert play_round(limit, failure) == 16
    assert limit.free == 8
    assert play_round(limit, failure) == 8
    assert limit.free == 4


@pytest.mark.parametrize("failure", OTHERS, ids=str)
def test_what_is_wrong_with_a_text_or_the_account_changes_nothing(failure):
    limit = ConcurrencyLimit(64)
    play_round(limit, failure)
    assert limit.free == 16


def test_after_a_refusal_a_round_of_acceptances_adds_one():
    limit = ConcurrencyLimit(64)
    play_round(limit, REFUSALS[0])
    assert [play_round(limit) for _ in range(57)] == list(range(8, 65))
    assert play_round(limit) == 64


def test_it_never_falls_below_one():
    limit = ConcurrencyLimit(64)
    for _ in range(20):
        play_round(limit, REFUSALS[0])
    assert limit.free == 1


def test_a_few_texts_do_not_raise_it():
    limit = ConcurrencyLimit(64)
    for _ in range(100):
        ticket = limit.begin()
        limit.learn(ticket, None)
        limit.free_place()
    assert limit.free == 16


@given(
    st.integers(1, 300),
    st.lists(st.tuples(st.sampled_from(["begin", "accept", "refuse"]), st.integers(0, 400))),
)
def test_it_stays_between_one_and_the_most_and_lends_no_place_twice(most, moves):
    limit, under_way = ConcurrencyLimit(most), []
    for move, which in moves:
        if move == "begin" and limit.free:
            under_way.append(limit.begin())
        elif move != "begin" and under_way:
            ticket = under_way.pop(which % len(under_way))
            limit.learn(ticket, REFUSALS[0] if move == "refuse" else None)
            limit.free_place()
        assert 0 <= limit.free <= most
        assert limit.free + len(under_way) >= 1
