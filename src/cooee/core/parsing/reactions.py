"""Reactions (tapbacks): the texts by which phones tell of a thumb on one of our texts.

A phone without a better way sends 'Liked “See you on Friday!”' as a text message. It is no
answer, and it is recognised only where it quotes a text that we sent: a person may well answer
'Loved “The Matrix”'.
"""

import re
import unicodedata
from collections.abc import Iterable

import msgspec

from cooee.core.folding import fold_text, spelled_in_ascii, visible_text

_MIN_PREFIX_CHARS = 20  # of a quote that a phone cut off without an ellipsis

_QUOTED = r'"\s*(?P<quote>.+?)\s*"\.?'
_OBJECT = (
    r"an? (?:\w+ )?(?:image|photo|picture|video|movie|attachment|sticker|link|message|gif|file)"
)
_EMOJI = r"(?P<emoji>[^\w\s\"]{1,12})"
_WORDS_OF_IOS = {
    "liked": "👍", "loved": "❤️", "disliked": "👎", "laughed at": "😂", "emphasized": "‼️",
    "emphasised": "‼️", "questioned": "❓",
    "le gustó": "👍", "le encantó": "❤️", "a aimé": "👍", "a adoré": "❤️",  # Spanish, French
}  # fmt: skip
_NOUNS_OF_IOS = {
    "like": "👍", "heart": "❤️", "love": "❤️", "dislike": "👎", "laugh": "😂", "exclamation": "‼️",
    "exclamation mark": "‼️", "emphasis": "‼️", "question mark": "❓",
}  # fmt: skip
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?P<verb>{'|'.join(_WORDS_OF_IOS)}) (?:{_QUOTED}|{_OBJECT})",
        rf"(?P<removed>removed) an? (?P<noun>{'|'.join(_NOUNS_OF_IOS)}) from (?:{_QUOTED}|{_OBJECT})",
        rf"(?P<removed>removed) (?:an? |the )?{_EMOJI} (?:reaction )?from (?:{_QUOTED}|{_OBJECT})",
        rf"reacted (?:with )?{_EMOJI} to (?:{_QUOTED}|{_OBJECT})",
        rf"reacted to (?:{_QUOTED}|{_OBJECT}) with {_EMOJI}",
        rf"{_EMOJI} (?P<removed>removed) from {_QUOTED}",  # Google Messages
        rf"(?:[^\W\d]+ ){{0,3}}{_EMOJI} (?:[^\W\d]{{1,4}} )?{_QUOTED}",  # "👍 to", "Reagierte mit 👍 auf"
    )
)


class Reaction(msgspec.Struct, frozen=True):
    """A person's reaction to a text of ours: its emoji, the quoted text, and whether it was undone.

    `quote` may end early, as the phone cut it; it is empty for a picture.
    """

    emoji: str
    quote: str
    removed: bool = False

    def quotes_one_of(self, our_texts: Iterable[str]) -> bool:
        """Tell whether the quote is one of our texts, or the beginning of one."""
        if not self.quote:
            return True
        uncut = self.quote.rstrip(". ")
        quoted = fold_text(self.quote)
        is_cut = len(self.quote) - len(uncut) >= 3 and len(uncut) >= 5
        return any(
            folded == quoted
            or (
                folded.startswith(fold_text(uncut)) and (is_cut or len(quoted) >= _MIN_PREFIX_CHARS)
            )
            for folded in map(fold_text, our_texts)
        )


def read_reaction(text: str) -> Reaction | None:
    """Return the reaction in a text that has the form of one, or None."""
    if '"' not in text and text.isascii() and not text[:8].lower().startswith(_FIRST_WORDS):
        return None
    spelled = " ".join(spelled_in_ascii(text.replace("…", "...")).split())
    for form in _FORMS:
        found = form.fullmatch(spelled)
        if found is not None and (emoji := _emoji_of(found)):
            groups = found.groupdict()
            return Reaction(emoji, groups["quote"] or "", groups.get("removed") is not None)
    return None


_FIRST_WORDS = tuple(word[:8] for word in ("removed", "reacted", *_WORDS_OF_IOS))


def _emoji_of(found: re.Match[str]) -> str:
    groups = found.groupdict()
    word, noun, emoji = groups.get("verb"), groups.get("noun"), groups.get("emoji")
    if word or noun:
        return _WORDS_OF_IOS.get((word or "").lower()) or _NOUNS_OF_IOS[(noun or "").lower()]
    shown = visible_text(emoji or "")
    return shown if any(unicodedata.category(one) in {"So", "Po"} for one in shown) else ""
