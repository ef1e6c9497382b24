"""Numbers in people's texts: signs, separators, currencies, words."""

from __future__ import annotations

import re

from cooee.core.folding import plain_text, strip_categories, visible_text
from cooee.core.parsing.courtesies import without_courtesies

WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
"""A whole number; 18 digits fit any database's integer."""

DECIMAL_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{1,18})?|\.[0-9]{1,18})")
"""A number with or without a decimal point."""

_GROUPED_NUMBER = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_SUPERSCRIPT = re.compile(r"\w[²³¹⁰-⁹₀-₉]")  # "5²" is not 52
_DECORATION = ("P", "Z", "Sc", "Sk", "So")
_MEANINGFUL = "-.,%‰/\\°^&@"  # punctuation and symbols that make another number of it
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        (  # noqa: SIM905 -- a list of words reads better than a wall of quotes
            "zero one two three four five six seven eight nine ten eleven twelve thirteen"
            " fourteen fifteen sixteen seventeen eighteen nineteen twenty"
        ).split()
    )
}
_ORDINAL_WORDS = {
    word: number
    for number, word in enumerate(
        (  # noqa: SIM905 -- see above
            "first second third fourth fifth sixth seventh eighth ninth tenth"
        ).split(),
        1,
    )
}
_ORDINAL = re.compile(r"([0-9]{1,4})(?:st|nd|rd|th)?")


def undecorated_number(text: str) -> str:
    """Return a plain text without quotes, brackets, currencies and emoji around a number.

    A sign, a decimal point before the figures, and whatever else makes another number of it stay:
    "(4)", "$4", "4," and "4 👍" come to "4"; "4%" and "-4" do not.
    """
    if _SUPERSCRIPT.search(text):
        return ""
    # texts rule 2: "4%", "~4" and "5-6" keep what makes them no 4 and no 5
    text = strip_categories(plain_text(text), _DECORATION, keep=_MEANINGFUL)
    sign, unsigned = (text[0], text[1:]) if text[:1] in {"+", "-"} else ("", text)
    if sign:  # "-$5"
        unsigned = strip_categories(unsigned[:1], ("Sc",)) + unsigned[1:]
    ended = unsigned.rstrip(".,")
    return sign + strip_categories(ended, _DECORATION, keep=_MEANINGFUL)


def plain_number(text: str) -> str | None:
    """Return the digits of a text of only a number, "4.", "$1,250.50" or "four", or None."""
    text = undecorated_number(without_courtesies(visible_text(text).lower().rstrip(" .,!")))
    text = _NUMBER_WORDS.get(text, text)
    if _GROUPED_NUMBER.fullmatch(text):
        text = text.replace(",", "")
    return text if DECIMAL_NUMBER.fullmatch(text) else None


def place_number(words: str) -> int | None:
    """Return the number in folded words like "2", "two", "2nd" or "second", or None."""
    figures = _ORDINAL.fullmatch(words)
    if figures is not None:
        return int(figures[1])
    spoken = spoken_number(words)
    return _ORDINAL_WORDS.get(words) if spoken is None else spoken


def spoken_number(word: str) -> int | None:
    """Return the number in a folded word like "two", or None."""
    return int(_NUMBER_WORDS[word]) if word in _NUMBER_WORDS else None
