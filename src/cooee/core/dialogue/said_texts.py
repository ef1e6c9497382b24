"""The texts a run says. A text's identity is its key (or its words) and its occurrence number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

from cooee.core.dialogue.argument_checks import check_key, is_key
from cooee.core.dialogue.call_sites import user_location
from cooee.core.errors import DialogueError
from cooee.core.messages import Reply, as_reply

MAX_TEXTS_PER_TURN = 1_000
"""Texts that one run may say before it waits; a run with more is in an endless loop."""

SaidText: TypeAlias = str | Reply


class SaidTexts:
    """The texts a run says.

    When the run passes a recorded answer, the texts before it were sent in an earlier turn, so
    `unsent` is cleared.
    """

    __slots__ = ("_identities", "unsent")

    def __init__(self) -> None:
        self._identities: list[Any] = []
        self.unsent: list[SaidText] = []

    def add(self, value: object, key: str | None) -> None:
        """Add a text; None and the empty string say nothing.

        Raises:
            DialogueError: the run has said too many texts, or the key is no text.
            TypeError: the value is no text.
        """
        text = value if type(value) is str else as_reply(value)
        if not text:
            return
        if not is_key(key):
            raise DialogueError(f"{user_location()}: {check_key(key)}")
        if len(self.unsent) >= MAX_TEXTS_PER_TURN:
            raise DialogueError(
                f"{user_location()}: this dialogue says {MAX_TEXTS_PER_TURN:,} texts without"
                " waiting for an answer, so its loop may never end. Ask in every pass, or bound the"
                " loop."
            )
        self._identities.append(("key", key) if key else _content_identity(text))
        self.unsent.append(text)

    def unsent_with_identity(self) -> Iterator[tuple[Any, int, Reply]]:
        """Yield each unsent text with its identity: key or words, and occurrence number."""
        if not self.unsent:
            return
        # replay rule 7: occurrences count from the first line, so a text keeps its number however
        # often the handler is replayed, and wherever its line has moved.
        sent_count = len(self._identities) - len(self.unsent)
        counts = Counter(self._identities[:sent_count])
        for identity, text in zip(self._identities[sent_count:], self.unsent, strict=True):
            yield identity, counts[identity], Reply(text) if isinstance(text, str) else text
            counts[identity] += 1


def _content_identity(text: SaidText) -> Any:
    if isinstance(text, str):
        return text
    return (text.text, text.media) if text.media else text.text
