"""Cells of a CSV file that no spreadsheet takes for formulas, and back."""

from __future__ import annotations

import re

_FORMULA = "=+\\-@＝＋－＠"  # noqa: RUF001 -- a spreadsheet takes the full-width ones as well
_SKIPPED = r"\s\x00-\x1f\u200b\ufeff'\""
_STARTS = re.compile(
    # where a cell begins, before a sign that starts a formula, or a tab or a line end
    rf"^(?=[{_SKIPPED}]*[{_FORMULA}]|'*[\t\r\n])"
    # where one would begin for a spreadsheet that divides by something else than we do
    rf"|(?<=[,;|\t\r\n])(?=[{_SKIPPED}]*[{_FORMULA}])"
)


def tame(words: str) -> str:
    """A cell with an apostrophe before each place at which a formula could start.

    A spreadsheet runs a cell that begins with =, +, - or @, or with a tab or a line end before
    them, even from a file of commas; ``=HYPERLINK(…)`` in a person's answer would send other
    people's away. An apostrophe makes it text. A semicolon or a tab inside a cell begins another
    one where the spreadsheet divides by these, so what follows one is tamed too. Numbers in
    E.164 begin with a plus, and so with an apostrophe. (OWASP, "CSV Injection")
    """
    return _STARTS.sub("'", words)


def untamed(cell: str) -> str:
    """The words that `tame` was given."""
    return re.sub(f"(?:{_STARTS.pattern})'", "", cell)
