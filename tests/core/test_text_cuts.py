"""A long text is cut between words, and never inside what is one character to a person."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cooee.core.folding import visible_text
from cooee.core.segments import Encoding, split_into_segments
from cooee.core.text_cuts import cut_prices, split_text, splits_surrogate_pair

GRAPHEMES = ["👍🏽", "👨‍👩‍👧‍👦", "🇦🇺", "4️⃣", "é", "한", "\r\n", "€", "😀", "字"]
WORDS = st.lists(st.text("abcé€[]~ ", max_size=12) | st.sampled_from(GRAPHEMES), max_size=25).map(
    " ".join
)
ANY = (
    WORDS
    | st.text(st.characters(), max_size=100)
    | st.text(st.sampled_from("👍🏽‍👩🇦🇺\ud83d\ude00 \n"))
)


def without_space(text):
    return re.sub(r"\s", "", text)


@given(ANY, st.integers(1, 40))
@example("x" * 100, 7)
def test_parts_are_the_text_in_order_each_within_the_limit_and_none_empty(text, limit):
    parts = split_text(text, limit)
    assert all(len(part) <= limit for part in parts)
    assert len(parts) == 1 or all(visible_text(part) for part in parts)
    letters = iter(text)
    assert all(letter in letters for letter in "".join(parts)), "in the order of the text"
    assert len(text) > limit or parts == [text]


@given(WORDS, st.integers(12, 40))
def test_nothing_but_white_space_is_left_out(text, limit):
    assert without_space("".join(split_text(text, limit))) == without_space(text)


@given(WORDS, st.integers(12, 40))
@example("   [[[[ 🇦🇺 🇦🇺", 12)
def test_no_cut_is_inside_a_grapheme_that_fits(text, limit):
    prices, at = cut_prices(text), 0
    for part in split_text(text, limit):
        at = text.index(part, at) + len(part)
        assert at == len(text) or prices[at] < 1 << 24, text[:at]


@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=80))
def test_words_that_fit_stay_whole_and_as_few_texts_as_can_be_are_made(words):
    limit, text = 10, " ".join(words)
    parts = split_text(text, limit)
    assert " ".join(parts).split() == words
    greedy, length = 1, -1
    for word in words:
        if length + 1 + len(word) > limit:
            greedy, length = greedy + 1, -1
        length += 1 + len(word)
    assert len(parts) == greedy


@given(st.text(st.sampled_from("\ud83d\ude00a"), max_size=60), st.integers(2, 9))
def test_no_surrogate_pair_is_divided(text, limit):
    at = 0
    for part in split_text(text, limit)[:-1]:
        at += len(part)
        assert not splits_surrogate_pair(text, at)


def test_a_line_break_is_the_best_cut_where_no_part_stays_half_empty():
    assert split_text("one two\nthree four five", 15) == ["one two", "three four five"]
    assert split_text("one\ntwo three four five six", 16) == ["one\ntwo three", "four five six"]


@pytest.mark.parametrize("grapheme", GRAPHEMES)
def test_a_grapheme_at_the_limit_goes_to_the_next_text(grapheme):
    parts = split_text("x" * 9 + grapheme + "y" * 9, 9 + len(grapheme) - 1)
    if len(grapheme) > 1:
        assert parts[0] == "x" * 9
    assert grapheme.strip() in "".join(parts)


def test_a_part_of_plain_letters_costs_no_more_than_the_whole():
    parts = split_text("{} " * 900, 1_600)
    assert [split_into_segments(part).encoding for part in parts] == [Encoding.GSM7] * len(parts)
