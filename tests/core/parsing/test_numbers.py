"""One table of signs and one form of a number, wherever a text has one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.folding import plain_text
from cooee.core.parsing.keywords import Pattern
from cooee.core.parsing.numbers import plain_number

SIGNS = st.sampled_from(["", "-", "+", "\u2212", "\uff0d", "\uff0b"])
WHOLE = st.integers(0, 10**18 - 1).map(str)
DECIMAL = st.tuples(WHOLE, st.integers(0, 10**6)).map(lambda it: f"{it[0]}.{it[1]}")


@pytest.mark.parametrize("text", ["", "-", "+-1", "1e9", "12,34", "one two", "1" * 19, "$"])
def test_a_text_that_is_no_number(text):
    assert plain_number(text) is None


@given(SIGNS, WHOLE | DECIMAL)
def test_an_answer_and_a_field_read_the_same_number(sign, digits):
    text = sign + digits
    number = plain_number(text)
    assert number == plain_text(text)
    assert Pattern("ADD {n:f}").match(f"ADD {text}") == {"n": float(number)}
    whole = Pattern("ADD {n:d}").match(f"ADD {text}")
    assert whole == (None if "." in digits else {"n": int(number)})
