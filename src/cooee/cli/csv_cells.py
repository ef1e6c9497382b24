"""Escapes CSV cells against spreadsheets, which run formulas."""

from __future__ import annotations

import re

_FORMULA_SIGNS = "=+\\-@＝＋－＠"  # noqa: RUF001 -- a spreadsheet takes the full-width ones as well
_SKIPPED_CHARS = r"\s\x00-\x1f\u200b\ufeff'\""
_FORMULA_START = re.compile(
    # where a cell begins, before a sign that starts a formula, or a tab or a line end
    rf"^(?=[{_SKIPPED_CHARS}]*[{_FORMULA_SIGNS}]|'*[\t\r\n])"
    # where one would begin for a spreadsheet that divides by something else than we do
    rf"|(?<=[,;|\t\r\n])(?=[{_SKIPPED_CHARS}]*[{_FORMULA_SIGNS}])"
)


def escape_formula(text: str) -> str:
    """Put an apostrophe before each place where a formula could start.

    A spreadsheet runs a cell that begins with =, +, - or @, or with a tab or a line end before
    them, even from a file of commas; ``=HYPERLINK(…)`` in a person's answer would send other
    people's away. An apostrophe makes it text. A semicolon or a tab inside a cell begins another
    one where the spreadsheet divides by these, so what follows one is tamed too. Numbers in
    E.164 begin with a plus, and so with an apostrophe. (OWASP, "CSV Injection")
    """
    return _FORMULA_START.sub("'", text)


def unescape_formula(cell: str) -> str:
    """Undo `escape_formula`."""
    return re.sub(f"(?:{_FORMULA_START.pattern})'", "", cell)
