"""A person's words as the type that was asked for."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cooee.core.dialogue.value_codec import decode_value, encode_value
from cooee.core.parsing.answers import (
    Birthday,
    Email,
    NotUnderstood,
    ParseContext,
    PhoneNumber,
    parse_answer,
    parser_for,
)

HERE = ParseContext(datetime(2026, 11, 25, 10, 0, tzinfo=UTC), lambda: UTC, "+61491570006")


class Colour(Enum):
    RED = 1
    DARK_GREEN = 2


def short(words: str) -> str:
    if len(words) > 5:
        raise ValueError("too long")
    return words.upper()


@pytest.mark.parametrize(
    ("kind", "words", "answer"),
    [
        (str, "  Ann \n", "Ann"),
        (int, "4", 4), (int, " 4. ", 4), (int, "four", 4), (int, "Twelve", 12), (int, "-3", -3),
        (int, "1,250", 1250), (int, "#7", 7), (int, "٤", 4), (int, "\u22125", -5),
        (float, "4.5", 4.5), (float, ".5", 0.5), (float, "$4", 4.0),
        (Decimal, "1,250.50", Decimal("1250.50")), (Decimal, "$0.10", Decimal("0.10")),
        (bool, "yep", True), (bool, "nah", False),
        (date, "tomorrow", date(2026, 11, 26)), (time, "3pm", time(15)),
        (datetime, "tomorrow 3pm", datetime(2026, 11, 26, 15, tzinfo=UTC)),
        (Email, "Ann@Example.com", "Ann@example.com"), (Email, "<a@b.org>", "a@b.org"),
        (PhoneNumber, "0491 570 156", "+61491570156"), (PhoneNumber, "+61 491 570 156", "+61491570156"),
        (Colour, "red", Colour.RED), (Colour, "2", Colour.DARK_GREEN), (Colour, "dark", Colour.DARK_GREEN),
        (Literal["small", "large"], "Large!", "large"), (Literal[5, 10], "10", 10),
        (short, "abc", "ABC"),
    ],
)  # fmt: skip
def test_what_is_understood(kind, words, answer):
    found = parse_answer(parser_for(kind), words, HERE)
    assert found == answer
    assert type(found) is type(answer)
    assert decode_value(encode_value(found)) == found


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (str, ""), (str, " \n "), (int, "4.5"), (int, "about 4"), (int, "1,2"), (int, "4 or 5"),
        (int, "9" * 40), (int, "x" * 5_000), (float, "nan"), (float, "inf"), (float, "1e9"),
        (Decimal, "NaN"), (bool, "maybe"), (date, "later"), (time, "7"), (datetime, "tomorrow"),
        (Email, "ann@"), (Email, "ann at example.com"), (PhoneNumber, "12"), (PhoneNumber, "TELSTRA"),
        (Colour, "blue"), (Colour, "3"), (Literal["small", "large"], "s m"), (short, "abcdef"),
    ],
)  # fmt: skip
def test_what_is_not_understood(kind, words):
    with pytest.raises(NotUnderstood):
        parse_answer(parser_for(kind), words, HERE)


def test_a_type_has_a_tag_that_tells_it_from_all_others():
    kinds = [
        str,
        int,
        float,
        Decimal,
        bool,
        date,
        time,
        datetime,
        Email,
        PhoneNumber,
        Colour,
        short,
        len,
    ]
    assert len({parser_for(kind).type_tag for kind in kinds}) == len(kinds)
    assert parser_for(Literal["a"]).type_tag != parser_for(Literal["a", "b"]).type_tag
    with pytest.raises(TypeError, match="cannot be called"):
        parser_for(7)


def test_the_tags_of_days_and_times_stay_so_that_no_recorded_answer_is_read_anew():
    tags = [parser_for(kind).type_tag for kind in (date, time, datetime, Birthday)]
    assert tags == ["date", "time", "datetime", "Birthday"]


@settings(deadline=None)  # a first e-mail address loads its library
@given(
    st.text(max_size=60), st.sampled_from([int, float, Decimal, bool, Email, PhoneNumber, Colour])
)
def test_no_text_raises_anything_but_not_understood(words, kind):
    with suppress(NotUnderstood):
        parse_answer(parser_for(kind), words, HERE)
