"""Settings as files, shells, editors and clusters give them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.errors import SettingError
from cooee.core.setting_values import clean_value, decode_file

AROUND = ("", " ", "\t", "\n", "\r\n", "\r", "\ufeff", "\u00a0", "\u200b", "\u2060", "\x00", "\x85")


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("quotes", ["", '""', "''", "\u201c\u201d", "\u2018\u2019"])
def test_what_stands_around_a_value_is_no_part_of_it(around: str, quotes: str) -> None:
    opening, closing = quotes[:1], quotes[1:]
    for value in ("https://texts.example.com", "a b", "it's", "=", "8000"):
        given = f"{around}{opening}{around}{value}{around}{closing}{around}"
        assert clean_value("X", given) == value


@pytest.mark.parametrize(
    ("given_value", "value"), [('""', ""), ('"', '"'), ("'a\"", "'a\""), (" ", "")]
)
def test_only_one_whole_pair_of_quotes_is_taken_off(given_value: str, value: str) -> None:
    assert clean_value("X", given_value) == value


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x00", "\u2028"])
def test_several_lines_are_refused(end: str) -> None:
    with pytest.raises(SettingError, match="SECRET has several lines") as caught:
        clean_value("SECRET", f"s3cret{end}more")
    assert "s3cret" not in str(caught.value)


@given(
    st.text(
        st.characters(
            min_codepoint=33, max_codepoint=0xFF, exclude_characters="\xad\xa0'\"\x7f\x85"
        ),
        min_size=1,
    )
)
def test_cleaning_changes_no_plain_value_and_is_done_once(value: str) -> None:
    assert clean_value("X", value) == value
    assert clean_value("X", f" '{value}'\r\n") == value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_may_have_the_encodings_that_editors_write(encoding: str) -> None:
    assert decode_file("gr\u00fc\u00dfe\r\n".encode(encoding)) == "gr\u00fc\u00dfe\r\n"
