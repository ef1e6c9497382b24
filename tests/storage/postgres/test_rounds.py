"""Rounds: nothing is lost, nothing comes twice in a round, and each key's order stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cooee.storage.postgres.rounds import split_into_rounds


@given(st.lists(st.sampled_from("abc")))
def test_each_round_has_a_key_once_and_the_keys_keep_their_order(keys):
    items = list(enumerate(keys))
    rounds = split_into_rounds(items, key=lambda item: item[1])
    for one in rounds:
        assert len({key for _, key in one}) == len(one)
    for key in set(keys):
        in_rounds = [item for one in rounds for item in one if item[1] == key]
        assert in_rounds == [item for item in items if item[1] == key]
    assert len(rounds) == max((keys.count(key) for key in keys), default=0)
