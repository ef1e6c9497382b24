"""Any text as one line that commands no terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.one_line import to_one_line


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_is_in_a_text_it_is_one_line_without_commands(text):
    line = to_one_line(text)
    assert not {unicodedata.category(letter) for letter in line} & {"Cc", "Cs", "Zl", "Zp"}
    line.encode()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("\n", ""),
        ("Hello", "Hello"),
        ("one\ntwo\r\nthree", "one ↵ two ↵ three"),
        ("\x1b]0;title\x07", "�]0;title�"),
        ("a\tb\x00", "a�b�"),
        ("👩‍👩‍👧 שלום", "👩‍👩‍👧 שלום"),
    ],
)
def test_what_a_text_looks_like(text, line):
    assert to_one_line(text) == line
