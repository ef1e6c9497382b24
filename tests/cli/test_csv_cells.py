"""No cell of a table starts a formula, and each can be read back."""

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cooee.cli.csv_cells import escape_formula, unescape_formula

SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
EDGY = st.text(
    alphabet=[*SIGNS, *"',;|\"\t\r\n\v\x00 \u00a0\u200b\ufeffa1(", "é", "👍"], max_size=12
)
CELLS = st.one_of(EDGY, st.text(max_size=20))


def starts_a_formula(cell):
    """Whether a spreadsheet, however it trims, would come upon one of the signs first."""
    return re.sub(r"^[\s\x00-\x1f\u200b\ufeff\"]+", "", cell)[:1] in {*SIGNS}


@given(CELLS)
@example("'=1")
@example("' '\t=1")
@example(";';=1")
def test_what_was_tamed_can_be_read_back(words):
    assert unescape_formula(escape_formula(words)) == words


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=4))
def test_no_cell_starts_a_formula_whatever_the_reader_divides_by(delimiter, rows):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([map(escape_formula, row) for row in rows])
    plain = [line.split(delimiter) for line in re.split(r"[\r\n]+", text.getvalue())]
    read = csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=delimiter)
    cells = [cell for row in [*plain, *read] for cell in row]
    assert [cell for cell in cells if starts_a_formula(cell)] == []


@pytest.mark.parametrize("first", [*SIGNS, "\t", "\r", "\n", "  =", "\u00a0+", "'=", "\x00@"])
def test_whatever_could_start_a_formula_gets_an_apostrophe(first):
    assert escape_formula(f"{first}1+1") == f"'{first}1+1"


@pytest.mark.parametrize("words", ["", "Anna", "'tis", "O'Brien", "a=b", "7 - 3", "👍", "x, y"])
def test_other_words_stay_as_they_are(words):
    assert escape_formula(words) == words
