"""The simulator's own count of segments, kept apart from core's on purpose."""

from __future__ import annotations

_GSM7_CHARACTERS = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")


def count_segments(text: str) -> int:
    """Return a text's segments: 160 and then 153 septets each, or 70 and then 67 UTF-16 units.

    Source: 3GPP TS 23.038, section 6.2, and 23.040, section 9.2.3.24.1. A character of two units
    can fall on an edge and cost one segment more on a real network; that is not counted here.
    """
    if all(character in _GSM7_CHARACTERS or character in _GSM7_EXTENSION for character in text):
        length, single_limit, part_limit = (
            len(text) + sum(letter in _GSM7_EXTENSION for letter in text),
            160,
            153,
        )
    else:
        length, single_limit, part_limit = (
            len(text.encode("utf-16-le", "surrogatepass")) // 2,
            70,
            67,
        )
    return 1 if length <= single_limit else -(-length // part_limit)
