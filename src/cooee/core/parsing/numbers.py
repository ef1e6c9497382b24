"""Numbers in people's texts: signs, separators, currencies, words."""

from __future__ import annotations

import re

WHOLE_NUMBER = r"[+-]?\d{1,18}"
"""A whole number, as the text of a regular expression; 18 digits fit any database's integer."""

DECIMAL_NUMBER = r"[+-]?(?:\d{1,18}(?:\.\d{1,18})?|\.\d{1,18})"
"""A number with or without a decimal point, as the text of a regular expression."""

_ASCII_SIGNS = str.maketrans("\u2212\uff0d\uff0b", "--+")  # a typographer's minus, Japan's signs
_GROUPED_NUMBER = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_PLAIN_NUMBER = re.compile(DECIMAL_NUMBER)
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        (  # noqa: SIM905 -- a list of words reads better than a wall of quotes
            "zero one two three four five six seven eight nine ten eleven twelve thirteen"
            " fourteen fifteen sixteen seventeen eighteen nineteen twenty"
        ).split()
    )
}


def with_ascii_signs(text: str) -> str:
    """Return the text with every plus and minus in ASCII."""
    return text.translate(_ASCII_SIGNS)


def plain_number(text: str) -> str | None:
    """Return the digits of a text of only a number, "4.", "$1,250.50" or "four", or None."""
    text = with_ascii_signs(text).strip(" \t\n$€£#!?").removesuffix(".")
    text = _NUMBER_WORDS.get(text.casefold(), text)
    if _GROUPED_NUMBER.fullmatch(text):
        text = text.replace(",", "")
    return text if _PLAIN_NUMBER.fullmatch(text) else None
