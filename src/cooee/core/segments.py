"""The segments a text is billed as: their number, the cuts, and cheaper wordings."""

import unicodedata
from collections import deque
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import accumulate

import msgspec

from cooee.core.text_cuts import cut_prices, splits_surrogate_pair


class Encoding(StrEnum):
    """The encoding of a text on the network: seven bits a character, or sixteen."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


# 3GPP TS 23.038, 6.2.1: the default alphabet, each character at its code. 0x1B escapes to the
# extension table, 6.2.1.1, whose characters take two septets.
_GSM7_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPE_CODE = 0x1B
_GSM7_EXTENSION = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~"}
_GSM7_EXTENSION |= {0x3E: "]", 0x40: "|", 0x65: "€"}
_SEPTETS = {letter: 1 for letter in _GSM7_ALPHABET if letter != "\x1b"}
_SEPTETS |= dict.fromkeys(_GSM7_EXTENSION.values(), 2)

# TS 23.040, 9.2.3.24.1: 140 bytes, of which a text in several parts gives 6 to their numbering.
_UNITS_IN_SINGLE = {Encoding.GSM7: 160, Encoding.UCS2: 70}
_UNITS_IN_PART = {Encoding.GSM7: 153, Encoding.UCS2: 67}


class Suggestion(msgspec.Struct, frozen=True):
    """A way to need fewer segments: an instruction, its resulting text and segment count."""

    instruction: str
    text: str
    segment_count: int


class Segments(msgspec.Struct, frozen=True):
    """A text in the network's segments.

    `parts` joined are the text. `costly_characters` are those with a price, each once: those
    outside GSM-7 where it went as UCS-2 for their sake, else those that count double.
    """

    encoding: Encoding
    segment_count: int
    parts: Sequence[str]
    costly_characters: Sequence[str] = ()
    suggestions: Sequence[Suggestion] = ()


def split_into_segments(text: str) -> Segments:
    """Cut a text into the fewest segments that the network allows.

    An escape or surrogate pair is never cut: code points stay whole, and so it is counted.
    Where that costs no segment more, grapheme clusters (an emoji with its skin and its joiners)
    stay whole too, and words. The empty text is one segment, as it would be on the network.
    """
    encoding, costs = _character_costs(text)
    parts = _cut_into_parts(text, encoding, costs)
    costly = _costly_characters(text, encoding, costs)
    return Segments(encoding, len(parts), parts, costly, _suggestions_for(text, len(parts), costly))


def measure_text(text: str) -> tuple[Encoding, int]:
    """Return the encoding of a text and its number of segments, without a cut."""
    encoding, costs = _character_costs(text)
    if sum(costs) <= _UNITS_IN_SINGLE[encoding]:
        return encoding, 1
    segments, units_left = 1, _UNITS_IN_PART[encoding]
    for cost in _merge_surrogate_pairs(text, costs):
        if cost > units_left:
            segments, units_left = segments + 1, _UNITS_IN_PART[encoding]
        units_left -= cost
    return encoding, segments


def _character_costs(text: str) -> tuple[Encoding, Sequence[int]]:
    """Return the encoding, and the length of each character in it: septets, or UTF-16 units."""
    septets = [_SEPTETS.get(letter, 0) for letter in text]
    if all(septets):
        return Encoding.GSM7, septets
    return Encoding.UCS2, [1 + (letter > "\uffff") for letter in text]


def _merge_surrogate_pairs(text: str, costs: Sequence[int]) -> Iterable[int]:
    """Return the lengths, with the two halves of a divided surrogate pair added up."""
    if not any("\ud800" <= letter <= "\udbff" for letter in text):
        return costs
    merged: list[int] = []
    for index, cost in enumerate(costs):
        if index and splits_surrogate_pair(text, index):
            merged[-1] += cost
        else:
            merged.append(cost)
    return merged


def _costly_characters(text: str, encoding: Encoding, costs: Sequence[int]) -> tuple[str, ...]:
    if encoding is Encoding.UCS2:
        return tuple(dict.fromkeys(letter for letter in text if letter not in _SEPTETS))
    return tuple(dict.fromkeys(x for x, cost in zip(text, costs, strict=True) if cost == 2))


def _suggestions_for(text: str, segments: int, costly: Sequence[str]) -> tuple[Suggestion, ...]:
    if segments == 1:
        return ()
    without = text.translate(dict.fromkeys(map(ord, costly)))
    ways = {
        "write it with plain characters": smart_encode(text),
        "leave these characters out": without,
    }
    suggestions = (
        Suggestion(instruction, shorter, measure_text(shorter)[1])
        for instruction, shorter in ways.items()
    )
    return tuple(
        suggestion
        for suggestion in suggestions
        if suggestion.text and suggestion.segment_count < segments
    )


# --- Where to cut

_SEGMENT_PRICE = 1 << 48  # no number of divided graphemes is worth a segment more


def _cut_into_parts(text: str, encoding: Encoding, costs: Sequence[int]) -> Sequence[str]:
    """Cut the text into the fewest parts, with the fewest divided graphemes and then words.

    `best[i]` is the lowest price of the text from `i` on, and `cut[i]` the end of its first part.
    The possible ends of a part move with its start, and a queue keeps the ends that may still
    be the best, so this takes linear time.
    """
    if sum(costs) <= _UNITS_IN_SINGLE[encoding]:
        return (text,)
    units_before, units_per_part = list(accumulate(costs, initial=0)), _UNITS_IN_PART[encoding]
    prices = cut_prices(text)
    best, cut = [0] * (len(text) + 1), [0] * (len(text) + 1)
    ends: deque[int] = deque([len(text)])
    for start in range(len(text) - 1, -1, -1):
        while units_before[ends[0]] - units_before[start] > units_per_part:
            ends.popleft()
        cut[start] = ends[0]
        best[start] = best[ends[0]] + _SEGMENT_PRICE + prices[start]
        # A pair is never divided, so no part may end here. An end that is dearer than `start` is
        # never chosen again: `start` is nearer for every earlier part.
        if not splits_surrogate_pair(text, start):
            while ends and best[ends[-1]] > best[start]:
                ends.pop()
            ends.append(start)
    parts, start = [], 0
    while start < len(text):
        parts.append(text[start : cut[start]])
        start = cut[start]
    return parts


# --- Plain characters for such as look alike

_LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′‹›ʼ`´", "'"),  # noqa: RUF001 -- these are what is replaced
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("\u2010\u2011\u2012–—―−\u2043", "-"),  # noqa: RUF001 -- as above
        **dict.fromkeys("•·∙●", "*"),
        **dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007", " "),
        **dict.fromkeys("\u2008\u2009\u200a\u202f\u205f\u3000\t", " "),
        **dict.fromkeys("\u2028\u2029\u0085\v", "\n"),
        **dict.fromkeys("\u200b\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c"),
        "…": "...",
        "ﬁ": "fi",
        "ﬂ": "fl",
        "⁄": "/",  # noqa: RUF001 -- as above
        "‼": "!!",
        "\u2126": "Ω",
    }
)


def smart_encode(text: str) -> str:
    """Replace typographic characters by plain characters, where the text is then GSM-7.

    Curly quotes, dashes, dots, odd spaces and invisible marks are replaced, and accents joined
    to their letters (NFC); no letter becomes another. A text that would be UCS-2 all the same,
    or need more segments, stays as it is.
    """
    if _character_costs(text)[0] is Encoding.GSM7:
        return text
    plain = unicodedata.normalize("NFC", text).translate(_LOOK_ALIKES)
    encoding, segments = measure_text(plain)
    return plain if encoding is Encoding.GSM7 and segments <= measure_text(text)[1] else text


# --- Parts that came in


def join_parts(parts: Iterable[bytes], encoding: Encoding) -> str:
    """Return the text of a provider's parts, each in bytes.

    They are joined before they are read, since real gateways cut escape and surrogate pairs.

    Args:
        parts: in order, without their headers: a septet in each byte (GSM-7), or UTF-16BE.
        encoding: which of the two. What cannot be read in it becomes U+FFFD.
    """
    payload = b"".join(parts)
    if encoding is Encoding.UCS2:
        return payload.decode("utf-16-be", errors="replace")
    letters, escaped = [], False
    for code in payload:
        if code == _ESCAPE_CODE and not escaped:
            escaped = True
            continue
        known = (
            _GSM7_ALPHABET[code]
            if code < len(_GSM7_ALPHABET) and code != _ESCAPE_CODE
            else "\ufffd"
        )
        letters.append(_GSM7_EXTENSION.get(code, known) if escaped else known)
        escaped = False
    return "".join(letters) + ("\ufffd" if escaped else "")
