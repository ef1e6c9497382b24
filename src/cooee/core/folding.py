"""Folding: a text without its invisible, typographic and decorative characters, for comparison.

Every comparison of a person's text goes through one of three steps, each on top of the one
before. `visible_text` drops the characters that nobody sees; an answer that is words is kept like
this. `plain_text` writes quotes, dashes, digits and compatibility characters in ASCII; numbers
and addresses are read from this. `fold_text` drops case and surrounding punctuation too;
keywords, options and opt-out words are compared by this. The text itself is stored as it came.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_MATCH_CHARS = 1_600
"""Characters that are looked at where looking may cost more than linear time.

Ten segments of a long text; no keyword comes near, and what is longer is still kept whole.
"""

REMEMBERED_READINGS = 1_024
"""Short texts whose reading is remembered: a text is read where it comes in, and by its turn."""

_JOINERS = "\u200c\u200d"  # within a family emoji, or a word of Persian or Hindi
_TAGS = "\U000e0020-\U000e007f"  # the letters of Scotland in its flag
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0\ufffc"  # fillers, and the place of a picture
_WHITE_SPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_SELECTORS = "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))

# Unicode's Default_Ignorable_Code_Point and the format characters (Cf) without a shape, less
# the joiners, tags and selectors, since those change how an emoji or a word looks.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]+"
)
_STRAY_TAGS = re.compile(f"(\U0001f3f4[{_TAGS}]+)|[{_TAGS}]+")


def visible_text(text: str) -> str:
    """Return a text without invisible characters, and without white space and blanks at its ends.

    A joiner inside stays, so a family emoji is one emoji; so does the paint of an emoji (its
    variation selector). A text of nothing visible is empty.
    """
    if text.isascii():
        return text.strip()
    text = _STRAY_TAGS.sub(r"\1", _INVISIBLE.sub("", text))
    unseen = _WHITE_SPACE + _BLANKS + _JOINERS
    return text.rstrip(unseen).lstrip(unseen + _SELECTORS)


_SKIN_TONES = re.compile("(?<=\\S)[\U0001f3fb-\U0001f3ff]+")
_KEYCAP = re.compile("([0-9#*])\u20e3")
_LOOSE_JOINERS = re.compile("\u200c|(?<=\\w)\u200d+|\u200d+(?=\\w)|\u200d+(?=\u200d)")
_DIGIT = re.compile(r"\d")
_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("‘’‚‛ʼʹˈ′‵´ʻ＇", "'")  # noqa: RUF001 -- as phones write them
    | dict.fromkeys("“”„‟″‶«»＂〝〞", '"')  # noqa: RUF001 -- as phones write them
    | dict.fromkeys("‐‑‒–—―⁃−﹣－﹘⁻₋➖─━˗", "-")  # noqa: RUF001 -- as phones write them
    | dict.fromkeys("＋﹢⁺₊➕", "+")  # noqa: RUF001 -- as phones write them
    | {"٫": ".", "٬": ",", "，": ",", "（": "(", "）": ")", "🔟": "10"}  # noqa: RUF001 -- full width
    | dict.fromkeys(_BLANKS, " ")
    | dict.fromkeys(_SELECTORS)
    | {chr(first + n): str(n + 1) for first in (0x2776, 0x2780, 0x278A) for n in range(10)}
)


def plain_text(text: str) -> str:
    """Return a text as a plain keyboard would type it, with its case and punctuation.

    Quotes, dashes, signs and the digits of every script become ASCII, keycaps and circled figures
    digits, compatibility characters plain ones (NFKC, UAX #15); skin tones and variation
    selectors go. Normalising takes quadratic time on hostile runs of accents, so texts over
    `MAX_MATCH_CHARS` go without.
    """
    text = visible_text(text)
    return text if text.isascii() else visible_text(_compatible(_respelled(text)))


def spelled_in_ascii(text: str) -> str:
    """Return a visible text with the signs and digits of a plain keyboard, and nothing folded."""
    text = visible_text(text)
    return text if text.isascii() else _ascii_digits(" ".join(_respelled(text).split()))


def _respelled(text: str) -> str:
    text = _KEYCAP.sub(r"\1", _SKIN_TONES.sub("", text.translate(_TYPOGRAPHY)))
    return _LOOSE_JOINERS.sub("", text)


def _compatible(text: str) -> str:
    if len(text) > MAX_MATCH_CHARS:
        return text
    return _ascii_digits(unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHY))


def _ascii_digits(text: str) -> str:
    return text if text.isascii() else _DIGIT.sub(lambda m: str(unicodedata.decimal(m[0])), text)


def fold_text(text: str) -> str:
    """Return a text without its case, extra spaces and surrounding punctuation.

    On top of `plain_text`, case is folded, a run of white space is one space, and punctuation and
    symbols at both ends go, unless nothing else is there: an emoji alone stays. So "stop!",
    " Stop " and "“STOP”." are one keyword, and so are "TİME" and "time".
    """
    return _folded_once(text) if len(text) <= MAX_MATCH_CHARS else _fold(text)


def _fold(text: str) -> str:
    text = " ".join(text.split())
    if text.isascii():
        return _strip_punctuation(text).lower()
    text = _strip_punctuation(" ".join(_respelled(visible_text(text)).split()))
    text = _compatible(_fold_case(_compatible(text)))
    return _strip_punctuation(" ".join(visible_text(text.casefold()).split()))


_folded_once = lru_cache(maxsize=REMEMBERED_READINGS)(_fold)
_DOTTED_I = re.compile("[i\u0131]\u0307*")  # of Turkish keyboards, which write "TİME"


def _fold_case(text: str) -> str:
    return _DOTTED_I.sub("i", text.casefold())


def _strip_punctuation(text: str) -> str:
    """Return the text without surrounding punctuation, unless all is punctuation."""
    return (
        strip_categories(text, ("P", "S", "Z", "C"))
        or strip_categories(text, ("P", "Z", "C"))
        or text
    )


def strip_categories(text: str, categories: tuple[str, ...], *, keep: str = "") -> str:
    """Return a text without the characters of some categories at its ends.

    Args:
        text: the text.
        categories: the beginnings of Unicode's general categories.
        keep: characters to keep all the same.
    """
    start, end = 0, len(text)
    while start < end and _is_of(text[start], categories, keep):
        start += 1
    while start < end and _is_of(text[end - 1], categories, keep):
        end -= 1
    return text[start:end]


def _is_of(character: str, categories: tuple[str, ...], keep: str) -> bool:
    return unicodedata.category(character).startswith(categories) and character not in keep


_ACCENTED = re.compile("([a-zα-ω])[\u0300-\u036f]+")  # noqa: RUF001 -- alpha to omega
_LETTERS_WITH_STROKES = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "\u0451": "\u0435"}
)


def unaccented(folded: str) -> str:
    """Return a folded text without the accents of Latin and Greek letters: "cafe" for "café".

    People leave accents out, but two words may differ by them alone ("año", "ano"), so callers
    compare with accents first.
    """
    if folded.isascii():
        return folded
    decomposed = unicodedata.normalize("NFD", folded.translate(_LETTERS_WITH_STROKES))
    return unicodedata.normalize("NFC", _ACCENTED.sub(r"\1", decomposed))
