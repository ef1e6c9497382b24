"""Where a text may be cut: between words; inside of a word or a grapheme at a price."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from cooee.core.folding import visible_text

_CLUSTER_PRICE, _WORD_PRICE = 1 << 24, 1  # no number of words is worth a grapheme


def split_text(text: str, max_chars: int) -> Sequence[str]:
    """Return a text as texts of at most `max_chars` characters, in order; none is empty.

    The cuts are at line breaks where these leave no text half empty, else between words. A word
    is divided only where it is too long by itself, a grapheme (an emoji with its skin and its
    joiners) likewise. White space at a cut is left out.
    """
    prices, parts, start = cut_prices(text), list[str](), 0
    while len(text) - start > max_chars:
        end = _best_cut(text, prices, start, start + max_chars)
        parts.append(text[start:end])
        start = len(text) - len(text[end:].lstrip())
    parts.append(text[start:])
    return parts if len(parts) == 1 else [part.strip() for part in parts if visible_text(part)]


def _best_cut(text: str, prices: Sequence[int], start: int, last: int) -> int:
    """Return the best end, up to `last`, of a part that begins at `start`."""
    line_end = text.rfind("\n", start + (last - start) // 2, last) + 1
    if line_end:
        return line_end
    ends = [end for end in range(last, start, -1) if not splits_surrogate_pair(text, end)]
    for price in (0, _WORD_PRICE, _CLUSTER_PRICE):
        found = next((end for end in ends if prices[end] <= price), None)
        if found is not None:
            return found
    return last


def cut_prices(text: str) -> Sequence[int]:
    """Return the price of a cut before each character; 0 before the first."""
    prices, flags = [0], 0
    for at in range(1, len(text)):
        flags = flags + 1 if _is_flag(text[at - 1]) else 0
        splits_grapheme = _is_one_grapheme(text[at - 1], text[at]) or (
            flags % 2 == 1 and _is_flag(text[at])
        )
        prices.append(
            _CLUSTER_PRICE
            if splits_grapheme
            else _WORD_PRICE
            if _is_inside_word(text[at - 1], text[at])
            else 0
        )
    return prices


def _is_one_grapheme(before: str, after: str) -> bool:
    """Tell whether two characters are one on a screen (UAX #29, without flags and rare scripts)."""
    if after.isascii():
        return before == "\r" and after == "\n"
    if unicodedata.category(after) in {"Mn", "Me", "Mc"} or before == "\u200d":
        return True
    if after in "\u200c\u200d" or "🏻" <= after <= "🏿" or "\U000e0020" <= after <= "\U000e007f":
        return True
    return before >= "\u1100" and _is_hangul_syllable(before, after)


def _is_hangul_syllable(before: str, after: str) -> bool:
    """Tell whether two Korean letters are in one syllable: a lead, then a vowel, then a tail."""
    vowel, tail = "\u1160" <= after <= "\u11a7", "\u11a8" <= after <= "\u11ff"
    open_ended = "\u1100" <= before <= "\u11a7" or "가" <= before <= "힣"
    lead = "\u1100" <= before <= "\u115f" and "\u1100" <= after <= "\u115f"
    return lead or (open_ended and (vowel or tail)) or ("\u11a8" <= before <= "\u11ff" and tail)


def _is_flag(letter: str) -> bool:
    return "🇦" <= letter <= "🇿"


def _is_inside_word(before: str, after: str) -> bool:
    """Tell whether a cut between two characters divides a word; Chinese words have no spaces."""
    if before.isspace() or after.isspace():
        return False
    return not (_is_wide(before) or _is_wide(after))


def _is_wide(letter: str) -> bool:
    return not letter.isascii() and unicodedata.east_asian_width(letter) in "WF"


def splits_surrogate_pair(text: str, at: int) -> bool:
    """Tell whether a cut at `index` divides a surrogate pair, held as two halves."""
    return (
        at > 0
        and "\ud800" <= text[at - 1] <= "\udbff"
        and at < len(text)
        and "\udc00" <= text[at] <= "\udfff"
    )
