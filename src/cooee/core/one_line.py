"""Makes a text safe for one line of a terminal."""

from __future__ import annotations

import unicodedata


def to_one_line(text: str) -> str:
    """Return the text on one line, without control characters.

    Line breaks become ``↵``; other control characters and lone surrogates U+FFFD. Joiners and
    direction marks stay, since emoji and right-to-left words need them.
    """
    lines = " ↵ ".join(text.splitlines()) if text else text
    return "".join("�" if unicodedata.category(c) in {"Cc", "Cs"} else c for c in lines)
